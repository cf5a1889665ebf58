"""Finals as a run: retrainings in folders of their own, seed after seed, then one is picked and tested once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ranknosh.config.retrain import FinalsSettings, RetrainSettings
from ranknosh.config.screen import plain_costs
from ranknosh.config.units import metrics_text, plural
from ranknosh.errors import ConfigError, SpaceError, to_type
from ranknosh.export.home import TakenHome
from ranknosh.runs.events import Epoch, Event, Events, Message, Progress
from ranknosh.runs.folder import Waste
from ranknosh.runs.journal import FILE
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.session import RunSession, StopRequest
from ranknosh.spaces.base import Architecture
from ranknosh.training.best import write_best
from ranknosh.training.settings import Recipe
from ranknosh.workflows.finals.finished import finished, without_test
from ranknosh.workflows.finals.records import FinalTrained, Picked, Standing
from ranknosh.workflows.finals.view import FinalsView
from ranknosh.workflows.retrain.api import retrain
from ranknosh.workflows.retrain.records import RetrainFailed
from ranknosh.workflows.retrain.run import RetrainRun, job_of, load_recipe

if TYPE_CHECKING:
    from ranknosh.export.finished import Finished
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


class FinalsRun(FinalsView, TakenHome):
    """Finals that can be worked at."""

    @property
    def reason(self) -> str | None:
        picked = self.state.picked
        if picked is None:
            return None
        if picked.ended == "time":
            return (
                f"budget.time is reached: {len(self.state.trained)} of {plural(len(self.pairs), 'training')} have ended"
            )
        return f"{plural(len(self.texts), 'architecture')} trained with {plural(self.settings.seeds, 'seed')} each"

    @property
    def exit_code(self) -> int:
        """0 where all were trained and one was picked, else 5."""
        picked = self.state.picked
        return 0 if picked and picked.ended == "trained" and picked.number is not None else 5

    def status(self) -> dict[str, Any]:
        settings, picked = self.settings, self.state.picked
        return {
            "space": settings.space.name,
            "preset": settings.preset,
            "architectures": len(self.texts),
            "seeds": settings.seeds,
            "epochs": settings.train.epochs,
            "trainings": len(self.state.trained),
            "trainings_planned": len(self.pairs),
            "failed": sum(one.failed is not None for one in self.state.trained.values()),
            "best": next(iter(self.top(1)), None),
            "picked_seed": picked.seed if picked else None,
            "test": picked.test if picked else {},
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The architectures by their mean on validation, those alone that have one."""
        return [self._row(one) for one in self.standings if one.judged][:count]

    def _row(self, one: Standing) -> dict[str, Any]:
        return {
            "id": one.number,
            "architecture": self.texts[one.number - 1],
            "seeds": len(one.judged),
            "failed": one.failed,
            "metrics": one.metrics,
            "error": {} if one.error is None else {one.ranked.name: one.error},
            "costs": plain_costs(one.trained[0].costs),
            "device_seconds": sum(each.seconds for each in one.trained),
        }

    def finished(
        self, candidate: int | str | None = None, where: Sequence[str] = (), data: Data | Task | None = None
    ) -> Finished:
        """The network that was picked; of the architecture ``candidate``, a place in the search, its best training."""
        self.refuse_where(where)
        wanted = None if candidate is None else str(candidate).lstrip("#")
        rows = [row for row in self.standings if row.trained and wanted in (None, str(row.number))]
        if not rows:
            raise ConfigError(f"no such training has ended in {self.folder}; see {to_type('top', self.folder)}")
        best, picked = rows[0].best, self.state.picked
        read = picked is not None and (picked.number, picked.seed) == (best.number, best.seed)
        inner = RetrainRun.read(self.folder / folder_of(best.number, best.seed))
        return finished(self, self.settings, inner, picked.test if picked and read else {}, data)

    def page(self) -> str:
        from ranknosh.workflows.finals.page import render

        return render(self)

    def waste(self, everything: bool) -> list[Waste]:
        """Checkpoints of the trainings, once all have ended; more seeds may pick another one, which is read then."""
        inner = sorted(self.folder.glob(f"trainings/*/{FILE}")) if self.ended and everything else []
        found = [each for path in inner for each in RetrainRun.read(path.parent).waste(everything)]
        return [*super().waste(everything), *found]

    @classmethod
    def prepare(cls, settings: FinalsSettings, events: Events, **given: Any) -> Prepared:
        """Read the architectures and load the data; ``data`` takes the place of ``settings.data``."""
        from ranknosh.training.trial import try_recipe

        if not settings.architectures:
            raise ConfigError("architectures is empty: nothing is there to train; give the texts of some")
        recipe = load_recipe(settings, events, given.get("data"))
        space = recipe.space
        architectures = [space.parse(text) for text in settings.architectures]
        for each in architectures:
            try_recipe(recipe, each)
        facts = {
            "architectures": [space.format(each) for each in architectures],
            "space": space.title,
            "metrics": recipe.task.quantities,
            "ranked": recipe.ranked,
            "augment": recipe.settings.augment,
        }
        return Prepared("finals", (architectures, recipe), recipe.task.facts, facts, ("architectures",))

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Train what is left while there is time, pick, test, and write ``best/``; nothing is done where it has ended.

        Raises:
            StoreError: for a checkpoint that cannot be read or written.
        """
        from ranknosh.training.surroundings import resolve_device

        architectures, recipe = prepared.parts
        if self.ended and self._next(session.seconds) is None:  # the test part is not read again for nothing
            session.say(f"{self.reason}; nothing is left to do")
            return
        session.began(str(resolve_device(recipe.settings.device)))
        blind = recipe.with_data(without_test(recipe.data))  # a training that is not picked reads no test
        while (pair := self._next(session.seconds)) is not None:
            if not self._train(session, architectures[pair[0] - 1], blind, *pair):
                break
        self._pick(session, architectures, recipe, blind)

    def _next(self, seconds: float) -> tuple[int, int] | None:
        """The training to do when so many seconds are spent; None where all have ended, or time holds no further one."""
        trained, limit = self.state.trained, self.settings.budget.time
        longest = max((one.seconds for one in trained.values()), default=0.0)
        if limit is not None and seconds + longest >= limit:
            return None
        return next((pair for pair in self.pairs if pair not in trained), None)

    def _train(self, session: RunSession, architecture: Architecture, blind: Recipe, number: int, seed: int) -> bool:
        """Do one training; False where time was over before its end, with what is done saved."""
        began, recipe = time.monotonic(), RetrainSettings.from_dict(_recipe_of(self.settings))
        name, limit = f"architecture {number}, seed {seed}", self.settings.budget.time
        stop = StopRequest(lambda: session.stop.requested or (limit is not None and session.seconds >= limit))
        try:
            result = retrain(
                architecture,
                blind.task,
                recipe,
                self.folder / folder_of(number, seed),
                seed=seed,
                events=lambda event: self._hear(session, event, name),
                stop=stop,
                command=f"ranknosh retrain ({name}) in {self.header.id}",
            )
        except KeyboardInterrupt:
            if stop.signalled or session.stop.requested or limit is None or session.seconds < limit:
                raise
            session.say(f"{name}: budget.time is reached before its last epoch")
            return False
        except (RetrainFailed, SpaceError) as error:
            epochs, seconds = self.settings.train.epochs, time.monotonic() - began
            ended, line = FinalTrained(number, seed, epochs, seconds=seconds, failed=str(error)), str(error)
        else:
            ended = FinalTrained(number, seed, result.epochs, result.metrics, result.costs, result.device_seconds)
            line = f"validation {metrics_text(result.metrics, self.quantities)}"
        if stop.signalled:  # heard by the training while its last epoch ran
            session.stop.request()
        session.add(ended, f"{name}: {line}")
        session.check_stop()
        return True

    def _hear(self, session: RunSession, event: Event, name: str) -> None:
        """Pass on what one training reports, as progress of all."""
        if isinstance(event, Message):
            session.say(f"{name}: {event.text}")
        elif isinstance(event, Epoch):
            session.events(replace(event, of=name))
            self._progress(session, event.epoch, f"{name}, epoch {event.epoch} of {event.last}")

    def _progress(self, session: RunSession, epoch: int, text: str) -> None:
        each = self.settings.train.epochs
        done, total = len(self.state.trained) * each + epoch, len(self.pairs) * each
        left = (total - done) * session.seconds / done if done else None
        limit = self.settings.budget.time
        if left is not None and limit is not None:
            left = min(left, max(limit - session.seconds, 0.0))
        session.events(Progress("epochs", done, total, text, left))

    def _pick(self, session: RunSession, architectures: Sequence[Architecture], recipe: Recipe, blind: Recipe) -> None:
        """Of the best architecture the best training: its test, and its weights in ``best/``."""
        from ranknosh.training.evaluate import test_candidate
        from ranknosh.training.training import job_identity

        first, left = self.standings[0], any(pair not in self.state.trained for pair in self.pairs)
        ended: Literal["trained", "time"] = "time" if left else "trained"
        if not first.judged:
            session.add(Picked(None, None, {}, 0.0, ended), "no training ended with a result")
            return
        if self.state.readings:
            session.say("the test split was read before, when these finals ended; its number is no longer untouched")
        best = first.best
        job = job_of(architectures[best.number - 1], blind, best.seed)
        checkpoints = RetrainRun.read(self.folder / folder_of(best.number, best.seed)).checkpoints()
        tested = test_candidate(job, blind, checkpoints, recipe.data.test)
        text = self.texts[best.number - 1]
        facts = {"architecture": text, "space": blind.space.title, "epochs": best.epochs, "seed": best.seed}
        facts |= {"metrics": best.metrics, "test": tested.metrics, "costs": best.costs}
        write_best(self.folder, facts, blind, checkpoints.whole(0, identity=job_identity(job, blind)))
        picked = Picked(best.number, best.seed, tested.metrics, tested.seconds, ended)
        shown = metrics_text(tested.metrics, self.quantities)
        session.add(picked, f"architecture {best.number}, seed {best.seed} is picked: test {shown}, read once")

    def results(self) -> dict[str, Any]:
        """Everything as plain data: what ``--json`` prints."""
        picked = self.state.picked
        rows = [
            self._row(one) | {"runs": [asdict(each) for each in one.trained]} for one in self.standings if one.trained
        ]
        found: dict[str, Any] | None = None
        if picked is not None and picked.number is not None and picked.seed is not None:
            one = self.state.trained[picked.number, picked.seed]
            found = {
                "id": one.number,
                "architecture": self.texts[one.number - 1],
                "seed": one.seed,
                "metrics": one.metrics,
            }
            found |= {"test": picked.test, "costs": plain_costs(one.costs), "epochs": one.epochs}
        return {
            "folder": str(self.folder),
            "preset": self.settings.preset,
            "seeds": self.settings.seeds,
            "metric": asdict(self.metric),
            "reason": self.reason,
            "picked": found,
            "rows": rows,
            "failures": [asdict(one) for one in self.state.trained.values() if one.failed is not None],
        }


def folder_of(number: int, seed: int) -> Path:
    """Where a training keeps its files below the folder of the finals."""
    return Path("trainings") / f"{number}-seed-{seed}"


def _recipe_of(settings: FinalsSettings) -> dict[str, Any]:
    """The settings of each retraining, but for its architecture and seed."""
    plain = settings.to_dict()
    return {name: plain[name] for name in ("preset", "split_seed", "space", "train", "task")}
