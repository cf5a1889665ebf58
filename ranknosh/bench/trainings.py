"""What simulated trainings take and show: by a recorded run, a table or a model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.special import ndtr

from ranknosh.bench.account import from_table
from ranknosh.config.search import SearchSettings
from ranknosh.config.units import UNKNOWN, percent
from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.records import RECORDS, Failed, Job, Observed
from ranknosh.core.seeding import distinct, drawn
from ranknosh.errors import ConfigError, DataError, to_type
from ranknosh.runs.journal import read_history
from ranknosh.runs.run import settings_of
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream
from ranknosh.tasks.data.table import Reading, Table

if TYPE_CHECKING:
    from ranknosh.training.timing import Timing

NOISE = 0.3
"""Standard deviation, in those of the architectures' qualities, of the luck in a full training."""


class Trainings:
    """Trainings as functions of a job and of a simulation's seed alone.

    ``times``, ``metrics`` and ``finds`` say where they come from and what :meth:`worth` means, of which more is better.
    """

    times: str
    metrics: str
    finds: str

    def architectures(self, space: Space, seed: int) -> Iterator[Architecture]:
        """Those there are, alive and with distinct canonical ids, in a random order."""
        return drawn(space, seed)

    def scoring(self, workers: int) -> float:
        """Seconds that proxy scoring takes a number of workers."""
        return 0.0

    def outcome(self, job: Job, seed: int) -> Observed | Failed:
        """How a job ends on a healthy worker, and after how many seconds."""
        raise NotImplementedError

    def worth(self, candidate: Candidate, seed: int) -> float:
        raise NotImplementedError

    def show(self, worth: float | None) -> str:
        return percent(worth)


class ModelTrainings(Trainings):
    """Epochs as long as those of sampled networks, metrics by the model that ``metrics`` describes."""

    finds = "share of all architectures that are worse than the one the search ends with"

    def __init__(self, config: SearchSettings, timing: Timing) -> None:
        self._timing, self._top = timing, config.pyramid.epochs[-1]
        self._scores = config.seeding.draw if config.seeding.proxies else 0
        self.times = (
            "measured on this machine; each candidate's epochs last as long as those of one of the larger half of "
            f"{len(timing.seconds)} sampled networks"
        )
        self.metrics = (
            f"a model: normal qualities, and after e of {self._top} epochs luck of {NOISE:g} sqrt({self._top}/e) of their "
            "standard deviation; size and quality are independent"
        )

    def scoring(self, workers: int) -> float:
        return math.ceil(self._scores / workers) * self._timing.proxy_seconds

    def outcome(self, job: Job, seed: int) -> Observed:
        place = int(stream(seed, "simulated size", job.candidate_id).integers(len(self._timing.larger)))
        seconds = self._timing.larger[place] * job.epochs + self._timing.job_seconds
        luck = stream(seed, "simulated luck", job.candidate_id, job.level, job.replica).standard_normal()
        metric = _quality(job.candidate_id, seed) + NOISE * float(luck) * math.sqrt(self._top / job.stop_epoch)
        size = self._timing.checkpoint_bytes
        numbers = job.candidate_id, job.level, metric
        return Observed(*numbers, {}, job.epochs, seconds, checkpoint_bytes=size, replica=job.replica)

    def worth(self, candidate: Candidate, seed: int) -> float:
        return float(ndtr(_quality(candidate.id, seed)))


def _quality(candidate_id: int, seed: int) -> float:
    return float(stream(seed, "simulated quality", candidate_id).standard_normal())


class RecordedTrainings(Trainings):
    """A run's own times, metrics and failures: each candidate follows a recorded one as far as that went, then another, drawn
    at random, that went further.

    Raises:
        StoreError: where ``folder`` holds no run.
        ConfigError: where its levels are not the config's, or nothing was trained.
    """

    finds = "mean metric of the one the search ends with, as recorded"

    def __init__(self, folder: Path, config: SearchSettings) -> None:
        history = read_history(folder, lambda header: RECORDS)
        epochs = tuple(settings_of(history)["pyramid"]["epochs"])
        if epochs != config.pyramid.epochs:
            raise ConfigError(
                f"{folder} was trained to epochs {list(epochs)} and the config asks for {list(config.pyramid.epochs)}; simulate "
                f"with a run of the same levels, or add --set pyramid.epochs={list(epochs)}"
            )
        pool = Pool(history.records)
        self._scoring, self._ended = pool.proxy_seconds, endings(pool)
        if not self._ended.get(1):
            raise ConfigError(
                f"{folder} has no finished training to play back; let it run on with `{to_type('resume', folder)}`"
            )
        reached = ", ".join(f"{len(rows)} at level {level}" for level, rows in sorted(self._ended.items()))
        self.times = f"of {folder}: a candidate goes the way of one of its candidates ({reached})"
        self.metrics = f"of {folder}, failures included"

    def scoring(self, workers: int) -> float:
        return self._scoring / workers

    def outcome(self, job: Job, seed: int) -> Observed | Failed:
        result = self._result(job.candidate_id, job.level, seed)
        epochs = min(result.epochs, job.epochs) if isinstance(result, Failed) else job.epochs
        seconds = epochs * result.seconds / max(result.epochs, 1)
        ended = replace(result, candidate_id=job.candidate_id, level=job.level, replica=job.replica)
        return replace(ended, epochs=epochs, seconds=seconds)

    def worth(self, candidate: Candidate, seed: int) -> float:
        return candidate.metric or 0.0

    def show(self, worth: float | None) -> str:
        return UNKNOWN if worth is None else f"{worth:.4f}"

    def _result(self, candidate_id: int, level: int, seed: int) -> Observed | Failed:
        """The recorded result that this candidate has at ``level``; the one below where no recorded candidate got there."""
        below = self._result(candidate_id, level - 1, seed) if level > 1 else None
        there = self._ended.get(level, {})
        if below is not None and (not there or below.candidate_id in there):
            return there.get(below.candidate_id, below)
        ids = sorted(there)
        return there[ids[int(stream(seed, "recorded", candidate_id, level).integers(len(ids)))]]


def endings(pool: Pool) -> dict[int, dict[int, Observed | Failed]]:
    """How trainings up to each level ended: level to recorded candidate to result, those that took no epoch left out."""
    found: dict[int, dict[int, Observed | Failed]] = {}
    for candidate in pool.candidates.values():
        for result in (*candidate.observations.values(), candidate.failed):
            if isinstance(result, Failed) or (result and result.epochs > 0):
                found.setdefault(result.level, {})[candidate.id] = result
    return found


class TableTrainings(Trainings):
    """Trainings of a table (see :mod:`ranknosh.tasks.data.table`): at the top level its top one, at every other its highest level
    that is no larger a part of a full training, or its lowest.

    Raises:
        DataError: where it cannot be read.
    """

    def __init__(self, path: Path, config: SearchSettings) -> None:
        if not path.is_file():
            raise DataError(f"no table at {path}; --simulate table=FILE.npz takes one as ranknosh bench reads it")
        table = self._table = Table.load(path, config.space.name)
        self._reading = cache(lambda seed: Reading(table, seed))
        epochs, high = config.pyramid.epochs, table.epochs[-1]
        below = [sum(known * epochs[-1] <= level * high for known in table.epochs[:-1]) for level in epochs[:-1]]
        self._levels = [*(max(level, 1) for level in below), len(table.epochs)]
        shown = ", ".join(
            f"{table.epochs[level - 1]} at level {number}" for number, level in enumerate(self._levels, 1)
        )
        self.times = f"of {path.name}: seconds of {high} epochs, in proportion"
        self.metrics = f"of {path.name}: accuracy after so many epochs: {shown}"
        mean = f"mean of its trainings (best: {percent(table.best)})"
        self.finds = f"accuracy of the one the search ends with after {high} epochs, {mean}"

    def architectures(self, space: Space, seed: int) -> Iterator[Architecture]:
        order = stream(seed, "simulated draw").permutation(len(self._table))
        return distinct(space, (self._table.architectures[row] for row in order))

    def outcome(self, job: Job, seed: int) -> Observed | Failed:
        reading, level = self._reading(seed), self._levels[job.level - 1]
        outcome = from_table(reading, job, level)
        if isinstance(outcome, Failed):  # no training is left under another seed
            return replace(from_table(reading, replace(job, replica=0), level), replica=job.replica)
        return outcome

    def worth(self, candidate: Candidate, seed: int) -> float:
        return float(self._table.truth[self._table.row(candidate.architecture)])
