"""What simulated trainings take and show: played back from a recorded run or a table, or made up by a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ranknosh.config.units import percent
from ranknosh.core.records import Failed, Job, Observed
from ranknosh.errors import ConfigError, DataError
from ranknosh.streams import stream

if TYPE_CHECKING:
    from ranknosh.config.search import SearchSettings
    from ranknosh.core.pool import Candidate, Pool
    from ranknosh.data.table import Table
    from ranknosh.spaces.base import Architecture
    from ranknosh.training.timing import Timing
    from ranknosh.workflows.search.assembly import Parts

SAMPLED = 64
NOISE = 0.3
"""Standard deviation, in those of the architectures' qualities, of the luck in a full training."""


class Played(Protocol):
    """One simulation's trainings: functions of the job and of the simulation's seed alone."""

    def duration(self, job: Job) -> float: ...

    def outcome(self, job: Job) -> Observed | Failed: ...

    def worth(self, candidate: Candidate) -> float: ...


@dataclass(frozen=True)
class Playback:
    """``play`` gives the trainings of one seed, ``level_zero`` the seconds that scoring takes a number of workers. ``among``:
    the only architectures there are, None for the whole space. ``times``, ``metrics`` and ``finds`` say where they come from
    and what :meth:`Played.worth` means; ``show`` writes a worth."""

    play: Callable[[int], Played]
    level_zero: Callable[[int], float]
    times: str
    metrics: str
    finds: str
    show: Callable[[float | None], str]
    among: Sequence[Architecture] | None = None


def model_of(parts: Parts, timing: Timing) -> Playback:
    """Epochs as long as those of sampled networks, metrics by a model that the text describes."""
    import numpy as np

    from ranknosh.core.seeding import draw
    from ranknosh.spaces.nets import build_candidate, count_macs
    from ranknosh.training.timing import on_line

    config, task = parts.config, parts.task
    drawn = draw(parts.space, SAMPLED, config.seed)
    macs = [count_macs(build_candidate(one, task.size), task.data.image_shape) for one in drawn]
    larger = [seconds for _, seconds in sorted(zip(macs, on_line(macs, timing.timed), strict=True))][len(macs) // 2 :]
    scores = config.seeding.draw if config.seeding.proxies else 0
    top = config.pyramid.epochs[-1]

    class Modelled:
        def __init__(self, seed: int) -> None:
            self.seed = seed

        def duration(self, job: Job) -> float:
            place = int(stream(self.seed, "simulated size", job.candidate_id).integers(len(larger)))
            return larger[place] * job.epochs + timing.job_seconds

        def outcome(self, job: Job) -> Observed:
            luck = stream(self.seed, "simulated luck", job.candidate_id, job.level, job.replica).standard_normal()
            metric = self._quality(job.candidate_id) + NOISE * float(luck) * float(np.sqrt(top / job.stop_epoch))
            return Observed(
                job.candidate_id,
                job.level,
                metric,
                None,
                None,
                job.epochs,
                0.0,
                checkpoint_bytes=timing.checkpoint_bytes,
                replica=job.replica,
            )

        def worth(self, candidate: Candidate) -> float:
            from scipy.special import ndtr

            return float(ndtr(self._quality(candidate.id)))

        def _quality(self, candidate_id: int) -> float:
            return float(stream(self.seed, "simulated quality", candidate_id).standard_normal())

    return Playback(
        Modelled,
        lambda workers: -(-scores // workers) * timing.proxy_seconds,
        f"measured on this machine; each candidate's epochs last as long as those of one of the larger half of {len(macs)} "
        "sampled networks",
        f"a model: normal qualities, and after e of {top} epochs luck of {NOISE:g} sqrt({top}/e) of their standard deviation; "
        "size and quality are independent",
        "share of all architectures that are worse than the one the search ends with",
        percent,
    )


def recorded_in(folder: Path, config: SearchSettings) -> Playback:
    """A run's own times, metrics and failures, level by level. Raises StoreError where ``folder`` holds no run, ConfigError
    where its levels are not the config's or nothing was trained."""
    from ranknosh.core.pool import Pool
    from ranknosh.core.records import RECORDS
    from ranknosh.runs.journal import read_history
    from ranknosh.runs.run import settings_of

    history = read_history(folder, lambda header: RECORDS)
    epochs = tuple(settings_of(history)["pyramid"]["epochs"])
    if epochs != config.pyramid.epochs:
        raise ConfigError(
            f"{folder} was trained to epochs {list(epochs)} and the config asks for {list(config.pyramid.epochs)}; simulate with "
            f"a run of the same levels, or add --set pyramid.epochs={list(epochs)}"
        )
    pool = Pool(history.records)
    ended = endings(pool)
    if not ended.get(1):
        raise ConfigError(
            f"{folder} has no finished training to play back; let it run on with `ranknosh resume {folder}`"
        )
    reached = ", ".join(f"{len(rows)} at level {level}" for level, rows in sorted(ended.items()))
    return Playback(
        lambda seed: Recorded(ended, seed),
        lambda workers: pool.proxy_seconds / workers,
        f"of {folder}: a candidate goes the way of one of its candidates ({reached})",
        f"of {folder}, failures included",
        "mean metric of the one the search ends with, as recorded",
        lambda worth: "n/a" if worth is None else f"{worth:.4f}",
    )


def endings(pool: Pool) -> dict[int, dict[int, Observed | Failed]]:
    """How trainings up to each level ended: level to recorded candidate to result, those that took no epoch left out."""
    found: dict[int, dict[int, Observed | Failed]] = {}
    for candidate in pool.candidates.values():
        for level, observed in candidate.observations.items():
            if observed.epochs > 0:
                found.setdefault(level, {})[candidate.id] = observed
        if candidate.failed is not None:
            found.setdefault(candidate.failed.level, {})[candidate.id] = candidate.failed
    return found


class Recorded:
    """Each candidate follows a recorded one as far as that went, then another that went further, drawn by lot."""

    def __init__(self, ended: Mapping[int, Mapping[int, Observed | Failed]], seed: int) -> None:
        self.ended, self.seed = ended, seed
        self._ways: dict[tuple[int, int], Observed | Failed] = {}

    def duration(self, job: Job) -> float:
        result = self._result(job)
        return job.epochs * result.seconds / max(result.epochs, 1)

    def outcome(self, job: Job) -> Observed | Failed:
        result = self._result(job)
        epochs = min(result.epochs, job.epochs) if isinstance(result, Failed) else job.epochs
        return replace(result, candidate_id=job.candidate_id, level=job.level, epochs=epochs, replica=job.replica)

    def worth(self, candidate: Candidate) -> float:
        return candidate.metric or 0.0

    def _result(self, job: Job) -> Observed | Failed:
        return self._way(job.candidate_id, job.level)

    def _way(self, candidate_id: int, level: int) -> Observed | Failed:
        """The recorded result that stands for this candidate at ``level``; the one below where nobody got there."""
        known = self._ways.get((candidate_id, level))
        if known is None:
            below = self._way(candidate_id, level - 1) if level > 1 else None
            there = self.ended.get(level, {})
            if below is not None and (not there or below.candidate_id in there):
                known = there.get(below.candidate_id, below)
            else:
                ids = sorted(there)
                known = there[ids[int(stream(self.seed, "recorded", candidate_id, level).integers(len(ids)))]]
            self._ways[candidate_id, level] = known
        return known


def tabled_in(path: Path, config: SearchSettings) -> Playback:
    """Trainings of a table (see :mod:`ranknosh.data.table`). Raises DataError where it cannot be read."""
    from ranknosh.data.table import Table

    if not path.is_file():
        raise DataError(f"no table at {path}; --simulate table=FILE.npz takes one as ranknosh bench reads it")
    table = Table.load(path, config.space.name)
    low, high = table.epochs
    return Playback(
        lambda seed: Tabled(table, seed, len(config.pyramid.epochs)),
        lambda workers: 0.0,
        f"of {path.name}: seconds of {high} epochs, in proportion",
        f"of {path.name}: accuracy after {high} epochs at the top level, after {low} at every level below it",
        f"accuracy of the one the search ends with after {high} epochs, mean of its trainings (best: {percent(table.best)})",
        percent,
        table.architectures,
    )


class Tabled:
    """The table's lower accuracy at every level below ``levels``, its upper one there."""

    def __init__(self, table: Table, seed: int, levels: int) -> None:
        from ranknosh.data.table import Reading

        self.table, self.levels = table, levels
        self._reading = Reading(table, seed)

    def duration(self, job: Job) -> float:
        return job.epochs * float(self.table.seconds[self.table.row(job.architecture)]) / self.table.epochs[-1]

    def outcome(self, job: Job) -> Observed:
        row = self.table.row(job.architecture)
        level = len(self.table.epochs) if job.level == self.levels else 1
        metric = self._reading.metric(row, level, job.replica)
        if metric is None:  # no training is left under another seed
            metric = self._reading.metric(row, level) or 0.0
        return Observed(job.candidate_id, job.level, metric, metric, None, job.epochs, 0.0, replica=job.replica)

    def worth(self, candidate: Candidate) -> float:
        return float(self.table.truth[self.table.row(candidate.architecture)])
