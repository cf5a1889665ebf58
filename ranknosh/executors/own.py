"""Jobs whose training is a user's own: no network of ours, no data, no torch; a folder for its state and numbers for its results.

A level begins with the folder as the level before left it, in a place of its own, and is published whole when it has ended. What
is killed, fails or is done twice leaves the state before it untouched.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ranknosh.core.records import EpochPoint, Failed, FailureKind, Interrupted, Job, JobResult, Observed
from ranknosh.executors.reported import Ranking, Reported
from ranknosh.runs.files import writing
from ranknosh.spaces.base import Architecture, Space
from ranknosh.training.folders import FolderState, FolderStore, FoundFolder, LevelResult, pack, unpack

MOST_TEXT = 8000
"""Characters that are kept of a traceback or of a command's output."""
WORK, LOGS = "work", "logs"


class Chosen(dict[str, Any]):
    """An architecture as a training of a user's own sees it: a dictionary from the name of each choice to the option taken.

    ``text`` is its exchange string and ``code`` its number at each slot; ``id`` and ``seed`` are the candidate's.
    """

    def __init__(self, options: Mapping[str, Any], text: str, code: tuple[int, ...], id: int, seed: int) -> None:
        super().__init__(options)
        self.text, self.code, self.id, self.seed = text, code, id, seed

    def __reduce__(self) -> tuple[Any, ...]:
        return Chosen, (dict(self), self.text, self.code, self.id, self.seed)


def options_of(space: Space, architecture: Architecture) -> dict[str, Any]:
    """The options of an architecture by the names of their choices; of a flat space the whole configuration."""
    decode = getattr(space, "decode", None)
    if decode is not None:
        return dict(decode(architecture))
    chosen = zip(space.choices, space.chosen(architecture), strict=True)
    return {choice.name: choice.options[taken] for choice, taken in chosen}


class LevelFailed(Exception):
    """A level did not end well; becomes a Failed. ``output``: its traceback, or the end of what it printed."""

    def __init__(self, kind: FailureKind, message: str, output: str = "") -> None:
        super().__init__(message)
        self.kind, self.message, self.output = kind, message, output[-MOST_TEXT:]


class LevelStopped(Exception):
    """A level was ended because the search stops; nothing of it is kept."""


@dataclass(frozen=True)
class OwnLevels:
    """Candidates whose levels somebody else trains, and their folders.

    Args:
        space: of the architectures.
        ranking: what they are ranked by.
        checkpoints: their folders.
    """

    space: Space
    ranking: Ranking
    checkpoints: FolderStore

    @property
    def name(self) -> str:
        """What trains, in words; a folder that something else trained is not gone on with."""
        return "ask"

    def chosen(self, job: Job) -> Chosen:
        """The job's architecture for a training of a user's own."""
        architecture = job.architecture
        options = options_of(self.space, architecture)
        seed = job.seed % 2**31  # what numpy and most others take
        return Chosen(options, self.space.format(architecture), architecture.code, job.candidate_id, seed)

    def read(self, job: Job) -> FoundFolder:
        """What the store holds of the job's candidate."""
        return self.checkpoints.read(job.candidate_id, job.replica, self.identity(job))

    def identity(self, job: Job) -> dict[str, Any]:
        """What a folder has to agree on to be gone on with."""
        architecture = [job.architecture.space, list(job.architecture.code)]
        return {"architecture": architecture, "seed": job.seed, "replica": job.replica, "training": self.name}

    def make_folder(self, job: Job, state: FolderState | None) -> Path:
        """A folder for one attempt at a level, which begins as ``state`` left it; :meth:`drop_folder` removes it."""
        place = self.work or Path(tempfile.gettempdir())
        with writing(place):
            place.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f"{job.candidate_id}-level-{job.level}-", dir=place)) / "checkpoint"
            folder.mkdir()
        if state is not None:
            unpack(state.archive, folder)
        return folder

    def drop_folder(self, folder: Path) -> None:
        """Remove what :meth:`make_folder` made and what lies beside it."""
        shutil.rmtree(folder.parent, ignore_errors=True)

    def keep(
        self, job: Job, before: FolderState | None, reported: Reported, archive: bytes, seconds: float
    ) -> FolderState:
        """Publish a finished level.

        Args:
            job: that ended.
            before: the candidate's state when it began.
            reported: by its training.
            archive: the folder as the training left it.
            seconds: it took.
        """
        result = LevelResult(reported.metric, reported.metrics, reported.costs, seconds)
        results = {**(before.results if before else {}), job.stop_epoch: result}
        state = FolderState(job.stop_epoch, self.identity(job), results, archive)
        return replace(state, bytes=self.checkpoints.save(job.candidate_id, job.replica, state))

    def set_aside(self, job: Job, found: FoundFolder) -> Failed:
        """Take damaged states out of the way, and the record of it."""
        epoch = found.state.epoch if found.state else 0
        problems = "; ".join(f"{damage}, {self.checkpoints.set_aside(damage)}" for damage in found.damages)
        message = f"the checkpoint {problems}; the candidate is trained again from epoch {epoch}"
        error = LevelFailed("checkpoint_damaged", message)
        return replace(failed(job, error, 0.0), epochs=max(0, job.start_epoch - epoch), final=False)

    def clear(self) -> None:
        """Remove what killed attempts left; to be called while nothing runs."""
        if self.work is not None:
            shutil.rmtree(self.work, ignore_errors=True)

    @property
    def work(self) -> Path | None:
        """Where attempts have their folders: beside the store; None for the system's place where that is no folder."""
        return None if self.checkpoints.folder is None else beside(self.checkpoints.folder, WORK)

    @property
    def logs(self) -> Path | None:
        """Where what trainings print is kept; None where the store is no folder."""
        return None if self.checkpoints.folder is None else beside(self.checkpoints.folder, LOGS)


@dataclass(frozen=True)
class OwnTraining(OwnLevels, ABC):
    """A job (see :data:`ranknosh.executors.base.RunJob`) that a user's own training does."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it runs on this machine, in words."""

    @abstractmethod
    def train(self, job: Job, chosen: Chosen, first: int, folder: Path, stop: Callable[[], bool]) -> Reported:
        """Train from ``first`` finished epochs to ``job.stop_epoch``. Raises LevelFailed or LevelStopped."""

    def __call__(self, job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
        """A level, or what was saved of it where its record was lost. Raises StoreError where its state cannot be kept."""
        began, found = time.monotonic(), self.read(job)
        if found.damages:
            return JobResult(job, self.set_aside(job, found))
        state = found.state
        if state is not None and job.stop_epoch in state.results:
            return JobResult(job, observed(job, state))
        folder = self.make_folder(job, state)
        try:
            reported = self.train(job, self.chosen(job), state.epoch if state else 0, folder, stop)
            archive = packed(folder)
        except LevelFailed as error:
            return JobResult(job, failed(job, error, time.monotonic() - began))
        except LevelStopped:
            facts = (job.candidate_id, job.level, job.start_epoch, 0, time.monotonic() - began)
            return JobResult(job, Interrupted(*facts, state.bytes if state else 0, job.replica))
        finally:
            self.drop_folder(folder)
        return JobResult(job, observed(job, self.keep(job, state, reported, archive, time.monotonic() - began)))

    @property
    def nbytes(self) -> int:
        """Bytes of data, which a training of a user's own finds by itself."""
        return 0

    def saved_epoch(self, job: Job) -> int:
        """Epochs whose work is not lost where the job is."""
        return self.checkpoints.epoch(job.candidate_id, job.replica) or 0


def packed(folder: Path) -> bytes:
    """The folder that a training left as one archive. Raises LevelFailed where a file in it cannot be read."""
    try:
        return pack(folder)
    except OSError as error:
        message = f"what it left in its checkpoint folder cannot be kept: {error.strerror or error}: {error.filename}"
        raise LevelFailed("raised", message) from error


def beside(store: Path, name: str) -> Path:
    """A folder of a run beside its ``checkpoints``, or named after a store that lies elsewhere."""
    return store.with_name(name if store.name == "checkpoints" else f"{store.name}-{name}")


def failed(job: Job, error: LevelFailed, seconds: float) -> Failed:
    """The record of a level that did not end well; all of its epochs are charged, as nobody knows how many were done."""
    return Failed(
        job.candidate_id,
        job.level,
        error.kind,
        error.message,
        job.epochs,
        seconds,
        attempt=job.attempt,
        replica=job.replica,
        traceback=error.output,
    )


def observed(job: Job, state: FolderState) -> Observed:
    """The record of a finished level."""
    result = state.results[job.stop_epoch]
    return Observed(
        candidate_id=job.candidate_id,
        level=job.level,
        metric=result.metric,
        metrics=result.metrics,
        epochs=job.epochs,
        seconds=result.seconds,
        costs=result.costs,
        checkpoint_bytes=state.bytes,
        replica=job.replica,
    )
