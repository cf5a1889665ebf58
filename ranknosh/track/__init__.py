"""A search mirrored to TensorBoard and MLflow. The journal is what is true; what is written here can be made from it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ranknosh.runs.events import Events, Message
from ranknosh.track.mirror import Tracker

__all__ = ["Tracker", "tracking"]


@contextmanager
def tracking(section: Mapping[str, Any], folder: Path, run_name: str, events: Events) -> Iterator[list[Tracker]]:
    """The trackers that a config asks for, each following the journal; brought up to its end when the block ends.

    Args:
        section: ``{tensorboard: bool, mlflow: URI or None}``.
        folder: of the run, with its journal.
        run_name: as MLflow shows it.
        events: hears once where a tracker gives up.

    Raises:
        MissingDependency: where a package is absent.
    """

    def say(text: str) -> None:
        events(Message(text))

    with ExitStack() as stack:
        trackers = []
        if section.get("tensorboard"):
            from ranknosh.track.tensorboard import TensorBoardLog

            trackers.append(Tracker(TensorBoardLog(folder), folder, say))
            stack.callback(trackers[-1].close)
        if section.get("mlflow"):
            from ranknosh.track.mlflow import MlflowLog

            trackers.append(Tracker(MlflowLog(folder, str(section["mlflow"]), run_name), folder, say))
            stack.callback(trackers[-1].close)
        yield trackers
