"""Candidates for loops outside: ``ask`` hands levels out, ``tell`` takes their results, on the same pyramid and journal.

Every question opens the run, holds its lock for as long as the answer takes, and leaves; so any number of workers may ask, from
any process. What is handed out stands in ``leases.json``, which no decision reads: where it is lost, levels are handed out again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

from ranknosh.core.records import Failed, Job, JobResult, Observed, Token
from ranknosh.core.search import Search
from ranknosh.errors import ConfigError, to_type
from ranknosh.executors.base import InlineExecutor
from ranknosh.executors.own import Chosen, LevelFailed, OwnLevels, failed, observed, packed
from ranknosh.executors.reported import NotFinite
from ranknosh.report.view import SearchView
from ranknosh.runs.events import Events
from ranknosh.runs.files import write_atomic
from ranknosh.runs.journal import Journal
from ranknosh.runs.session import RunSession, StopRequest
from ranknosh.track.mirror import tracking
from ranknosh.training.folders import FolderStore
from ranknosh.workflows.search.assembly import make_search
from ranknosh.workflows.search.finish import finish
from ranknosh.workflows.search.reporting import Reporter
from ranknosh.workflows.search.trainers import OwnTrainer, checkpoints_of, trainer_of

LEASES = "leases.json"
PATIENCE = 300.0
"""Seconds a question waits for those before it."""
_ID = re.compile(r"(\d+)(?:-(\d+))?(?:-r(\d+))?")


@dataclass(frozen=True)
class Handed:
    """A level that is to be trained: the architecture from ``from_epoch`` finished epochs to ``to_epoch``.

    ``id`` is what its result is told under. ``checkpoint_dir`` is the candidate's folder as it was left; what is in it when the
    result is told is there at the next level.
    """

    id: str
    candidate: int
    level: int
    from_epoch: int
    to_epoch: int
    seed: int
    architecture: Chosen
    checkpoint_dir: Path

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        chosen = {"architecture": dict(self.architecture), "text": self.architecture.text}
        return {**vars(self), **chosen, "checkpoint_dir": str(self.checkpoint_dir)}


class Handout(NamedTuple):
    """Levels to train, those that are out in all, and why the search is over (None while it is not)."""

    jobs: tuple[Handed, ...]
    out: int
    over: str | None


@dataclass
class Visit:
    """A run that is open for one question. ``leases``: what is out, by its id."""

    run: SearchView
    session: RunSession
    trainer: OwnTrainer
    leases: dict[str, dict[str, Any]]

    @cached_property
    def levels(self) -> OwnLevels:
        settings = self.run.settings
        place = checkpoints_of(self.run.folder, self.run.header.id, settings.executor.storage)
        return self.trainer.levels(FolderStore(place))

    @cached_property
    def reporter(self) -> Reporter:
        return Reporter(self.session, self.run.settings, self.run.pool, self.run.quantities, self.run.ranking)

    @cached_property
    def search(self) -> Search:
        costs = self.trainer.costs
        if costs is not None:
            costs.know(self.run.pool.costed)
        return make_search(self.run.settings, self.run.pool, costs=costs)

    def drop(self, id: str) -> None:
        """What was handed out under ``id`` is out no more."""
        lease = self.leases.pop(id)
        self.levels.drop_folder(Path(lease["folder"]))

    def save(self) -> None:
        data = json.dumps(self.leases, indent=1) + "\n"
        write_atomic(self.run.folder / LEASES, data.encode())

    def give(self, result: JobResult) -> None:
        """Write down what a level ended with."""
        records = self.search.tell(result)
        if records:
            self.reporter.write(records)
        failed = result.outcome
        if isinstance(failed, Failed) and failed.final and self.run.pool.leaves_nothing(failed):
            self.levels.checkpoints.remove(result.job.candidate_id, result.job.replica)


@contextmanager
def visit(kind: type[SearchView], folder: Path, events: Events) -> Iterator[Visit]:
    """Open a run whose candidates are asked for. Time counts from when it was begun.

    Args:
        kind: the class of the run.
        folder: of the run.
        events: hears what happens.

    Raises:
        ConfigError: its candidates are not asked for, or another process holds the run for long.
        StoreError: where it cannot be read or written.
    """
    with Journal.open(folder, kind.kinds, PATIENCE) as journal:
        run = kind(folder, journal.history)
        name = run.settings.executor.name
        if name != "ask":
            raise ConfigError(
                f"{folder} hands out no candidates, because its executor.name is {name}; a search is asked and told where its "
                "config says executor: {name: ask, rank_by: ...}"
            )
        elapsed = datetime.now(timezone.utc) - datetime.fromisoformat(run.header.created)
        journal.start_clock(max(elapsed.total_seconds() - journal.history.seconds, 0.0))
        session = RunSession(journal, run.state, events, StopRequest(), "ask", {})
        trainer = trainer_of(run.settings, {"resumed": True})
        assert isinstance(trainer, OwnTrainer)
        yield Visit(run, session, trainer, _read_leases(folder, run))


def _read_leases(folder: Path, run: SearchView) -> dict[str, dict[str, Any]]:
    """What is out and still waited for."""
    try:
        known = from_json((folder / LEASES).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    waited = {id_of(token, pending.level) for token, pending in run.pool.pending.items()}
    return {id: lease for id, lease in known.items() if id in waited}


def ask(kind: type[SearchView], folder: Path, count: int, again: bool, events: Events) -> Handout:
    """Hand out up to ``count`` levels, and end the search where nothing is left to do.

    Args:
        kind: the class of the run.
        folder: of the run.
        count: at most so many.
        again: take back what is out first: whoever had it is gone.
        events: hears what happens.
    """
    if count < 1:
        raise ConfigError(f"count is {count}; ask for 1 or more")
    with visit(kind, folder, events) as here:
        if here.run.ended:
            return Handout((), 0, here.run.reason)
        deadline = here.run.settings.executor.deadline
        for id, lease in list(here.leases.items()):
            late = isinstance(deadline, float) and time.time() - lease["at"] > deadline
            if again or late:
                here.drop(id)
        here.search.still_out(map(_token, here.leases))
        here.reporter.keep_costs(here.trainer.costs)
        jobs: list[Handed] = []
        while len(jobs) < count:
            asked = here.search.ask(count - len(jobs), here.session.seconds)
            here.reporter.keep_costs(here.trainer.costs)
            if asked.records:
                here.reporter.write(asked.records)
            handed = [hand_out(here, job) for job in asked.jobs]
            jobs += [each for each in handed if each is not None]
            if not asked.jobs:
                break
        over = None
        if here.search.done:
            finish(here.trainer, here.search, here.levels.checkpoints, InlineExecutor(_no_job), here.reporter)
            over = here.run.reason
        here.save()
    if over is not None:
        run = kind.read(folder)
        with tracking(run.settings.track.model_dump(), folder, run.history, run.name, events):
            run.report_if_possible(events)
    return Handout(tuple(jobs), len(here.leases), over)


def hand_out(here: Visit, job: Job) -> Handed | None:
    """A level for whoever asked, or None where its result is known: its record was lost, or its state is damaged."""
    found = here.levels.read(job)
    state = found.state
    if found.damages:
        here.give(JobResult(job, here.levels.set_aside(job, found)))
        return None
    if state is not None and job.stop_epoch in state.results:
        here.give(JobResult(job, observed(job, state)))
        return None
    place, id = here.levels.make_folder(job, state), id_of(job.token, job.level)
    here.leases[id] = {"at": time.time(), "folder": str(place)}
    first = state.epoch if state else 0
    chosen = here.levels.chosen(job)
    return Handed(id, job.candidate_id, job.level, first, job.stop_epoch, job.seed, chosen, place)


def tell(kind: type[SearchView], folder: Path, id: str, report: Any, message: str | None, events: Events) -> bool:
    """Take the result of a level that was handed out.

    Args:
        kind: the class of the run.
        folder: of the run.
        id: that it was handed out under; the candidate's number alone where one level of it is out.
        report: its metrics, see :class:`ranknosh.executors.reported.Ranking`.
        message: why it failed, in place of metrics.
        events: hears what happens.

    Returns:
        Whether it is news; False where the same was told before.

    Raises:
        ConfigError: nothing of that id is out, what is told is no mapping of finite numbers, or it was told otherwise before.
    """
    with visit(kind, folder, events) as here:
        whole = _whole_id(here, id)
        read = None if message is not None else _read(here, whole, report)
        known = _told(here.run, whole)
        if known is not None:
            return _same(whole, known, read, message)
        if whole not in here.leases:
            raise ConfigError(_not_out(here, whole))
        (job,) = here.search.still_out([_token(whole)])
        lease = here.leases[whole]
        seconds = time.time() - lease["at"]
        try:
            if read is None:
                raise LevelFailed("raised", message or "it was told that it failed")
            archive = packed(Path(lease["folder"]))
        except LevelFailed as error:
            here.give(JobResult(job, failed(job, error, seconds)))
        else:
            state = here.levels.keep(job, here.levels.read(job).state, read, archive, seconds)
            here.give(JobResult(job, observed(job, state)))
        here.drop(whole)
        here.save()
    return True


def id_of(token: Token, level: int) -> str:
    """What a level is told under: ``12-2``, and ``12-4-r1`` under another seed."""
    return f"{token.candidate_id}-{level}" + (f"-r{token.replica}" if token.replica else "")


def _token(id: str) -> Token:
    match = _ID.fullmatch(id)
    assert match is not None
    return Token(int(match[1]), int(match[3] or 0))


def _whole_id(here: Visit, id: str) -> str:
    """``id`` with its level, which may be left out where one level of the candidate is out."""
    match = _ID.fullmatch(id)
    if match is None:
        raise ConfigError(f"{id!r} is no id of a level; give one as `ranknosh ask` printed it, such as 12-2")
    if int(match[1]) >= here.run.pool.count:
        raise ConfigError(
            f"there is no candidate {match[1]}: {here.run.pool.count} were proposed so far, with numbers from 0; ask for one "
            f"first: {to_type('ask', here.run.folder)}"
        )
    if match[2]:
        return id
    mine = [each for each in here.leases if _token(each) == _token(id)]
    if len(mine) != 1:
        raise ConfigError(
            f"no level of candidate {id} is out; give the id as `ranknosh ask` printed it, such as {id}-1"
        )
    return mine[0]


def _read(here: Visit, id: str, report: Any) -> Any:
    try:
        return here.trainer.ranking.read(report)
    except NotFinite as error:
        raise ConfigError(
            f"{error}, and metrics are finite numbers; a training that diverged is told with --failed (failed= in Python)"
        ) from error
    except ValueError as error:
        raise ConfigError(f"the metrics of {id} cannot be used: {error}") from error


def _told(run: SearchView, id: str) -> Observed | Failed | None:
    """What is known of a level already."""
    token, level = _token(id), int(id.split("-")[1])
    candidate = run.pool.candidates[token.candidate_id]
    if token.replica:
        return candidate.replicas.get(token.replica)
    lost = candidate.failed
    return candidate.observations.get(level) or (lost if lost is not None and lost.level == level else None)


def _same(id: str, known: Observed | Failed, read: Any, message: str | None) -> bool:
    """False where what is told is what is known. Raises ConfigError where it is something else."""
    if isinstance(known, Failed):
        before, equal = f"failed: {known.message}", read is None and message == known.message
    else:
        before = json.dumps(dict(known.metrics))
        equal = read is not None and (dict(read.metrics), dict(read.costs)) == (dict(known.metrics), dict(known.costs))
    if not equal:
        raise ConfigError(f"{id} was told before, as {before}; what is told stays")
    return False


def _not_out(here: Visit, id: str) -> str:
    token, level = _token(id), int(id.split("-")[1])
    pending = here.run.pool.pending.get(token)
    if pending is not None and pending.level == level:
        return f"{id} was not handed out, or it was taken back; ask for it first: {to_type('ask', here.run.folder)}"
    candidate = here.run.pool.candidates[token.candidate_id]
    now = f"is trained to level {pending.level} now" if pending is not None else f"is at level {candidate.level}"
    return f"{id} was not asked for: candidate {token.candidate_id} {now}"


def _no_job(job: Job, stop: object, on_epoch: object) -> JobResult:
    raise AssertionError("levels are trained outside")


def plain(handout: Handout) -> Mapping[str, Any]:
    """A handout as plain JSON data."""
    return {"jobs": [job.as_dict() for job in handout.jobs], "out": handout.out, "over": handout.over}
