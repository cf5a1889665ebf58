"""The search by a pyramid and a predictor, as a run: begun from Python, prepared, worked at, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import source_section
from ranknosh.config.units import plural
from ranknosh.core.budget import plan
from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.records import Failed, Record
from ranknosh.core.search import CAPS
from ranknosh.errors import ConfigError
from ranknosh.executors.opening import TrainJob, opened
from ranknosh.report.search_page import render
from ranknosh.report.tables import status_dict, top_rows, trial_rows, write_trials_csv
from ranknosh.report.view import SearchView
from ranknosh.runs.events import Events, several
from ranknosh.runs.progress import make_view
from ranknosh.runs.run import Prepared, Waste, begin
from ranknosh.runs.session import RunSession, StopRequest
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.workflows.search.assembly import (
    Parts,
    build_parts,
    make_search,
    proxy_scores,
    rules_of,
    settings_of,
    size_of,
)
from ranknosh.workflows.search.finish import finish
from ranknosh.workflows.search.loop import drive
from ranknosh.workflows.search.reporting import Reporter

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.data import Dataset

    from ranknosh.data import ImageData

    Images: TypeAlias = str | Path | Mapping[str, Any] | ImageData | Sequence[Dataset[Any]]


class SearchRun(SearchView):
    """A search that can be worked at."""

    @property
    def best(self) -> Candidate | None:
        """The incumbent: best at the highest level reached; None before the first result."""
        return self.pool.best()

    @property
    def stop_reason(self) -> str | None:
        """Why the search ended (see ``ranknosh.core.search.StopReason``); None where it has not."""
        return self.pool.stopped.reason if self.pool.stopped else None

    @property
    def reason(self) -> str | None:
        stopped = self.pool.stopped
        return (stopped.detail or stopped.reason) if stopped else None

    @property
    def exit_code(self) -> int:
        """0 where the search ended as planned, 5 where a cap cut a plan short or nothing was found."""
        if self.best is None or self.stop_reason == "nothing_learned":
            return 5
        planned = self.settings.pyramid.candidates is not None or self.settings.budget.epochs is not None
        return 5 if self.stop_reason == "disk" or (self.stop_reason in CAPS and planned) else 0

    def status(self) -> dict[str, Any]:
        return status_dict(self)

    def top(self, count: int) -> list[dict[str, Any]]:
        return top_rows(self, count)

    def trials(self) -> list[dict[str, Any]]:
        """One row a candidate, ready for a data frame; the columns of trials.csv."""
        return trial_rows(self)

    def page(self) -> str:
        return render(self)

    def report(self) -> Path:
        """Write report.html and trials.csv anew and return the path of the page."""
        write_trials_csv(self)
        return super().report()

    def network(self, candidate: Candidate | None = None) -> nn.Module:
        """The trained network of a candidate, in evaluation mode, on the CPU.

        Args:
            candidate: of this run; None for the best.

        Raises:
            ConfigError: where there is none, or its checkpoint was cleaned away.
            StoreError: where the checkpoint is damaged or another candidate's.
        """
        from ranknosh.training.evaluate import trained_network
        from ranknosh.training.training import identity

        chosen = candidate or self.best
        if chosen is None:
            raise ConfigError(
                f"{self.folder} has no trained candidate yet; continue it with `ranknosh resume {self.folder}`"
            )
        job, images = chosen.trained_by(self.settings.seed), self.header.data
        size = size_of(self.settings.network, images)
        expected = identity(job, size, settings_of(self.settings), images["fingerprint"])
        return trained_network(chosen.id, self.checkpoints(), identity=expected, epochs=chosen.epochs)

    def checkpoints(self) -> CheckpointStore:
        """Where the candidates' checkpoints are."""
        place = self.settings.executor.storage  # runs of one name may share it
        own = self.folder.resolve() / "checkpoints"
        return CheckpointStore(own if place is None else f"{place.rstrip('/')}/{self.header.id}")

    def waste(self, everything: bool) -> list[Waste]:
        return [*super().waste(everything), *find_waste(self.checkpoints(), self.pool, everything)]

    @classmethod
    def prepare(cls, settings: SearchSettings, events: Events, **given: Any) -> Prepared:
        """Load the images and check every part. ``data`` takes the place of ``settings.data``; ``stem``: of an automatic name."""
        parts = build_parts(settings, given.get("data"))
        plan(parts.pyramid, parts.limits, rules_of(settings))  # raises where the budget holds no candidate
        decisions = "order-dependent" if settings.pyramid.schedule == "eager" else "reproducible"
        facts = {"space": parts.space.name, "decisions": decisions}
        return Prepared(given.get("stem", "run"), parts, parts.task.data.facts, facts)

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Search to the end or to an interruption, then test the best once and write what is derived."""
        from ranknosh.track.mirror import tracking
        from ranknosh.training.training import checkpoint_bytes

        parts: Parts = prepared.parts
        settings, pool = self.settings, self.pool
        checkpoints = self.checkpoints()
        checkpoints.publications(0)  # storage that cannot be reached is reported before any work, not after it
        name = self.name
        with tracking(settings.track.model_dump(), session.journal, name, session.events) as trackers:
            session.events = several(session.events, *trackers)
            reporter = Reporter(session, settings, pool)

            def write(records: Sequence[Record]) -> None:
                reporter.write(records)
                for record in records:
                    if isinstance(record, Failed) and record.final:
                        checkpoints.remove(record.candidate_id, record.replica)

            def over() -> bool:
                limit = parts.limits.wall_seconds
                return session.stop.requested or (limit is not None and session.seconds >= limit)

            with opened(
                settings.executor,
                session,
                TrainJob(parts.task, checkpoints),
                device=settings.train.device,
                threads=settings.train.threads,
                stop=over,
                on_epoch=reporter.epoch,
            ) as (executor, device):
                session.check_stop()
                session.began(device, unfinished_jobs=len(pool.pending))
                for scored in proxy_scores(parts, pool, executor, session.events):
                    pool.apply(scored)
                    reporter.write([scored])
                    if over():  # what is scored when time ends counts
                        break
                session.check_stop()
                size = partial(checkpoint_bytes, task=parts.task)
                search = make_search(parts.config, pool, executor, size)
                drive(search, executor, write=write, clock=lambda: session.seconds, stop=session.stop)
                finish(parts, search, checkpoints, executor, reporter)


def find_waste(kept: CheckpointStore, pool: Pool, everything: bool) -> list[Waste]:
    """Checkpoints of a search that may be removed, in order of candidates.

    Args:
        kept: the checkpoints.
        pool: what is known of the candidates.
        everything: those that a resume would need too, all but the best candidate's.
    """

    best, found = pool.best(), []
    for held in kept.holdings():
        candidate = None if held.candidate_id is None else pool.candidates.get(held.candidate_id)
        names, size, why = [held.name], held.size, None
        if candidate is None:
            why = "belongs to no candidate"
        elif candidate.failed is not None:
            why = f"candidate {candidate.id} failed"
        elif everything and (best is None or candidate.id != best.id):
            why = f"candidate {candidate.id} is not the best"
        elif held.leftovers:
            names, size = list(held.leftovers), held.leftover_size
            why = f"{plural(len(names), 'file')} that candidate {candidate.id}'s checkpoint does not need"
        if why is not None:
            found.append(Waste(str(held.where), size, why, partial(kept.delete, names)))
    return found


def search(
    space: str = "nasbench201",
    data: Images = "cluttered_digits",
    *,
    budget: int | str | Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str = "runs/",
    name: str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    **sections: Mapping[str, Any] | None,
) -> SearchRun:
    """Search ``space`` on ``data`` and return the finished run.

    Args:
        space: a name of ``ranknosh space``.
        data: the name of a set, a path (image folder, archive or .npz), a mapping as under ``data:`` in a config, an
            ImageData, or two or three torch datasets (train, validation[, test]) of (image, label).
        budget: training epochs (int), wall time ("10m"), or a mapping as under ``budget:``; default 130 epochs.
        seed: of every random draw.
        out: the folder of runs.
        name: of the run's folder; the next free number by default.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked wherever the search can be left.
        sections: further sections of a config (pyramid, network, train, seeding, predictor, propose ...), None for the defaults.

    Raises:
        ConfigError: for a setting that breaks a rule.
        DataError: for images that cannot be used.
        BudgetTooSmall: where no candidate fits.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.

    >>> run = search(data="digits", budget=20)          # doctest: +SKIP
    >>> run.best.text, run.best.validation              # doctest: +SKIP
    """
    images, section = given_images(data)
    config = SearchSettings.from_dict(
        {
            "seed": seed,
            "out": out,
            "name": name,
            "space": {"name": space},
            "data": section,
            "budget": _budget(budget),
            **{key: dict(value) for key, value in sections.items() if value is not None},
        },
        origin="ranknosh.search",
    )
    with make_view(quiet=events is not None) as view:
        return begin(SearchRun, config, command="ranknosh.search(...)", events=events or view, stop=stop, data=images)


def _budget(budget: int | str | Mapping[str, Any] | None) -> dict[str, Any]:
    if budget is None:
        return {"epochs": 130}
    if isinstance(budget, Mapping):
        return dict(budget)
    return {"time": budget} if isinstance(budget, str) else {"epochs": budget}


def given_images(data: Images) -> tuple[ImageData | None, dict[str, Any]]:
    """Images from Python, None where they are named, and the ``data:`` section of a config. Raises ConfigError."""
    if isinstance(data, (str, Path, Mapping)):
        return None, source_section(data)
    from ranknosh.data import ImageData, from_datasets

    if isinstance(data, ImageData):
        return data, {"name": FROM_PYTHON}
    if isinstance(data, Sequence) and len(data) in (2, 3):
        return from_datasets(*data), {"name": FROM_PYTHON}
    raise ConfigError(
        f"data is {type(data).__name__}; give a name, a path, a mapping, an ImageData, or (train, validation[, test]) datasets"
    )
