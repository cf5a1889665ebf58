"""A search mirrored to TensorBoard and MLflow. The journal is what is true; what is written here can be made from it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ranknosh.runs.events import Events, Message
from ranknosh.runs.journal import Journal
from ranknosh.track.mirror import Log, Tracker

__all__ = ["Tracker", "tracking"]


@contextmanager
def tracking(section: Mapping[str, Any], journal: Journal, run_name: str, events: Events) -> Iterator[list[Tracker]]:
    """The trackers that a config asks for; each has what the journal holds and takes what events bring, until the block ends.

    Args:
        section: ``{tensorboard: bool, mlflow: URI or None}``.
        journal: of the run, as opened.
        run_name: as MLflow shows it.
        events: hears once where a tracker gives up.

    Raises:
        MissingDependency: where a package is absent.
    """

    def say(text: str) -> None:
        events(Message(text))

    logs: list[Log] = []
    if section.get("tensorboard"):
        from ranknosh.track.tensorboard import TensorBoardLog

        logs.append(TensorBoardLog(journal.folder))
    if section.get("mlflow"):
        from ranknosh.track.mlflow import MlflowLog

        logs.append(MlflowLog(journal.folder, str(section["mlflow"]), run_name))
    with ExitStack() as stack:
        trackers = [Tracker(log, journal.history, say) for log in logs]
        for tracker in trackers:
            stack.callback(tracker.close)
        yield trackers
