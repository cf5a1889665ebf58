"""A retraining as a run: the trainer of candidates over a whole recipe, its epochs written down, then the test read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.learning import DataConfig
from ranknosh.config.retrain import RecipeSettings, RetrainSettings
from ranknosh.config.screen import plain_costs
from ranknosh.core.records import EpochPoint, Failed, Job, Observed, Tested
from ranknosh.errors import ConfigError, RankNoshError, SpaceError, StoreError
from ranknosh.export.home import TakenHome
from ranknosh.runs.events import Epoch, Events, Message, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.folder import Waste
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.run import Run
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture
from ranknosh.training.best import write_best
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.settings import Recipe
from ranknosh.workflows.retrain.presets import training_of
from ranknosh.workflows.retrain.records import RECORDS, Retrained, RetrainFailed, RetrainState

if TYPE_CHECKING:
    from ranknosh.export.finished import Finished
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


class RetrainRun(Run[RetrainState], TakenHome):
    """A retraining as read from its folder; ``result`` is None until it has ended."""

    WORKFLOW = "retrain"
    SETTINGS = RetrainSettings
    RECORDS = RECORDS
    STATE = RetrainState
    FACTS = ("metrics",)
    settings: RetrainSettings

    @property
    def result(self) -> Retrained | None:
        return self.state.result

    @property
    def reason(self) -> str | None:
        if self.result is None:
            return None
        return "its one epoch is trained" if self.result.epochs == 1 else f"all {self.result.epochs} epochs are trained"

    @property
    def exit_code(self) -> int:
        return 0 if self.ended else 5

    def status(self) -> dict[str, Any]:
        result, curve = self.result, self.state.curve
        return {
            "architecture": self.settings.architecture,
            "preset": self.settings.preset,
            "epochs": len(curve),
            "epochs_planned": self.settings.train.epochs,
            "metrics": curve[-1].metrics if curve else {},
            "test": result.test if result else {},
            "costs": plain_costs(result.costs) if result else {},
            "device_seconds": result.device_seconds if result else self.state.seconds,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The one network that was trained, where it is."""
        return [asdict(self.result)] if self.result else []

    def finished(
        self, candidate: int | str | None = None, where: Sequence[str] = (), data: Data | Task | None = None
    ) -> Finished:
        """The network that was retrained, of which there is one."""
        from ranknosh.workflows.retrain.finished import finished

        self.refuse_where(where)
        if candidate is not None:
            raise ConfigError(f"{self.folder} is a retraining, which holds one network; leave out --candidate")
        return finished(self, self.settings, self.checkpoints(), data)

    def page(self) -> str:
        from ranknosh.workflows.retrain.page import render

        return render(self, self.settings)

    def checkpoints(self) -> CheckpointStore:
        """Where the training's state is."""
        return CheckpointStore(self.folder.resolve() / "checkpoints")

    def waste(self, everything: bool) -> list[Waste]:
        """The checkpoint of a retraining that has ended, whose weights are in ``best/``."""
        found = super().waste(everything)
        if self.ended and (self.folder / "best" / "weights.safetensors").exists():
            kept = self.checkpoints()
            why = "the retraining has ended; its weights are in best/"
            for held in kept.holdings():
                found.append(Waste(str(held.where), held.size, why, partial(kept.delete, [held.name])))
        return found

    @classmethod
    def prepare(cls, settings: RetrainSettings, events: Events, **given: Any) -> Prepared:
        """Read the architecture and load the data; ``data`` takes the place of ``settings.data``."""
        from ranknosh.training.trial import try_recipe

        if settings.architecture is None:
            raise ConfigError("architecture is not set: nothing is there to retrain; give the text of one")
        space = settings.space.make()
        architecture = space.parse(settings.architecture)
        recipe = load_recipe(settings, events, given.get("data"))
        try_recipe(recipe, architecture)
        task, text = recipe.task, space.format(architecture)
        facts = {"architecture": text, "space": space.title, "metrics": task.quantities}
        facts["augment"] = recipe.settings.augment
        return Prepared("retrain", (architecture, recipe), task.facts, facts, ("architecture",))

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Train what is left, test, and write ``best/``; nothing is done where it has ended.

        Raises:
            RetrainFailed: for a training that diverged, raised, or runs out of memory with one example at a time.
            StoreError: for a checkpoint that cannot be read or written.
            SpaceError: for inputs too small for the network.
        """
        from ranknosh.training.evaluate import test_candidate
        from ranknosh.training.rung import train_whole
        from ranknosh.training.surroundings import resolve_device
        from ranknosh.training.training import job_identity

        if self.ended:  # only a setting that decides nothing was changed; the test part is read once
            session.say(f"{self.reason}; nothing is left to do")
            return
        architecture, recipe = prepared.parts
        checkpoints, device = self.checkpoints(), str(resolve_device(recipe.settings.device))
        write_atomic(self.folder / "genotype.txt", (recipe.space.format(architecture) + "\n").encode())
        if recipe.space.is_dead(architecture):
            session.say("nothing passes through this architecture: its network will stay at chance")
        session.began(device)
        job = job_of(architecture, recipe, self.settings.seed)
        identity, last = job_identity(job, recipe), job.stop_epoch
        found = checkpoints.read(0, 0, identity).checkpoint
        self._catch_up(session, found.curve if found else (), last)
        outcome = train_whole(
            job,
            recipe,
            checkpoints,
            session.say,
            stop=lambda: session.stop.requested,
            on_epoch=lambda _, point: self._keep(session, point, last),
            on_step=lambda epoch, step, steps: self._progress(
                session, epoch - 1 + step / steps, last, f"step {step} of {steps}"
            ),
        )
        if isinstance(outcome, Failed):
            raise _error_of(outcome, device)
        self._catch_up(session, outcome.curve, last)
        result = self._result(architecture, recipe, outcome, test_candidate(job, recipe, checkpoints), device)
        names = ("architecture", "space", "epochs", "metrics", "test", "costs")
        facts = {name: getattr(result, name) for name in names}
        write_best(self.folder, facts, recipe, checkpoints.whole(0, identity=identity))
        session.add(result)

    def _keep(self, session: RunSession, point: EpochPoint, last: int) -> None:
        session.add(point)
        metrics = {"train loss": point.train_loss}
        metrics |= {f"train {name}": value for name, value in point.train_metrics.items()}
        metrics |= {f"validation {name}": value for name, value in point.metrics.items()}
        units = {f"{part} {one.name}": one.unit for part in ("train", "validation") for one in self.quantities.values()}
        session.events(Epoch("retraining", point.epoch, last, metrics, units))
        self._progress(session, point.epoch, last)

    def _progress(self, session: RunSession, done: float, last: int, text: str = "") -> None:
        """Report so many epochs done of all; the rest is expected to take as long an epoch as they did."""
        pace = self.state.seconds / len(self.state.curve) if self.state.curve else session.seconds / done
        session.events(Progress("epochs", done, last, text, pace * (last - done)))

    def _catch_up(self, session: RunSession, curve: Iterable[EpochPoint], last: int) -> None:
        """Write down epochs that were saved and not recorded before a process died, or that were trained anew."""
        for point in curve:
            if point not in self.state.curve:
                self._keep(session, point, last)

    def _result(
        self, architecture: Architecture, recipe: Recipe, outcome: Observed, tested: Tested, device: str
    ) -> Retrained:
        last, learned = self.state.curve[-1], recipe.learned
        return Retrained(
            architecture=recipe.space.format(architecture),
            space=recipe.space.title,
            seed=self.settings.seed,
            epochs=last.epoch,
            train_loss=last.train_loss,
            train_metrics=last.train_metrics,
            metrics=last.metrics,
            test=tested.metrics,
            trained_on_validation=recipe.settings.all_data,
            costs=outcome.costs,
            device=device,
            device_seconds=self.state.seconds + tested.seconds,
            examples={part: len(getattr(learned, part)) for part in ("train", "validation", "test")},
        )


def load_recipe(settings: RecipeSettings, events: Events, given: Data | Task | None = None) -> Recipe:
    """What is learned and how, its device looked for and its data loaded.

    Args:
        settings: of the run.
        events: hears where the data do not take the augmentation of the preset.
        given: data or a task from Python, in place of ``settings.data``.
    """
    from ranknosh.tasks.catalog import load_task
    from ranknosh.training.surroundings import resolve_device

    resolve_device(settings.train.device)
    task = load_task(settings.data or DataConfig(name=FROM_PYTHON), settings.task, settings.split_seed, given)
    recipe = Recipe(settings.space.make(), task, training_of(settings, task.data))
    if recipe.settings.augment != training_of(settings).augment:
        events(
            Message(
                f"the inputs of {task.data.name} are not augmented as the preset {settings.preset} says for pictures"
            )
        )
    return recipe


def job_of(architecture: Architecture, recipe: Recipe, seed: int) -> Job:
    """The one training of a retraining: all epochs of the recipe."""
    return Job(0, architecture, 1, 0, recipe.settings.total_epochs, seed)


def _error_of(failed: Failed, device: str) -> RankNoshError:
    """A training that failed, as the error a user should see."""
    message = failed.message
    errors = {
        "diverged": RetrainFailed(
            f"the training diverged: {message}; begin again with a lower --set train.lr, or with --set train.grad_clip=5"
        ),
        "out_of_memory": RetrainFailed(
            f"one example at a time does not fit the memory of {device}; give a smaller network, such as --set space.channels=8"
        ),
        "invalid": SpaceError(message),
        "checkpoint_damaged": StoreError(f"{message}; it happened again and again: check the disk"),
    }
    return errors.get(failed.kind, RetrainFailed(f"the training raised {message}"))
