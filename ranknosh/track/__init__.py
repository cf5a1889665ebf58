"""A search mirrored to TensorBoard and MLflow. The journal is what is true; what is written here can be made from it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from ranknosh.core.pool import Pool
from ranknosh.core.records import EpochPoint, Job, Record
from ranknosh.runs.listener import Listener
from ranknosh.track.mirror import Tracker

__all__ = ["Several", "Tracker", "trackers_of"]


def trackers_of(
    section: Mapping[str, Any], folder: Path, run_name: str, say: Callable[[str], None] | None = None
) -> list[Listener]:
    """The trackers that ``track`` asks for, each following the journal in ``folder``, which must be there already.

    section: ``{tensorboard: bool, mlflow: URI or None}``. say: told once where a tracker gives up (a listener's
    ``on_message``). Close them with :meth:`Several.close`. Raises MissingDependency where a package is absent.
    """
    trackers: list[Listener] = []
    if section.get("tensorboard"):
        from ranknosh.track.tensorboard import TensorBoardLog

        trackers.append(Tracker(TensorBoardLog(folder), folder, say))
    if section.get("mlflow"):
        from ranknosh.track.mlflow import MlflowLog

        trackers.append(Tracker(MlflowLog(folder, str(section["mlflow"]), run_name), folder, say))
    return trackers


class Several(AbstractContextManager["Several"]):
    """One listener made of many, told in order. :meth:`close` (or the end of ``with``) closes those that can be closed."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = tuple(listeners)

    def on_records(self, records: Sequence[Record], pool: Pool, wall_seconds: float) -> None:
        for listener in self.listeners:
            listener.on_records(records, pool, wall_seconds)

    def on_epoch(self, job: Job, point: EpochPoint) -> None:
        for listener in self.listeners:
            listener.on_epoch(job, point)

    def on_phase(self, name: str, done: int, total: int) -> None:
        for listener in self.listeners:
            listener.on_phase(name, done, total)

    def on_message(self, text: str) -> None:
        for listener in self.listeners:
            listener.on_message(text)

    def close(self) -> None:
        """Bring every tracker up to the journal's end, or say that it could not be."""
        for listener in self.listeners:
            if isinstance(listener, Tracker):
                listener.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
