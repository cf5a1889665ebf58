"""Training one candidate from one level to the next, exactly resumable (torch)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.training.checkpoint import Checkpoint, CheckpointStore
    from ranknosh.training.evaluate import test_candidate, trained_network
    from ranknosh.training.rung import train_rung
    from ranknosh.training.settings import Task, TrainSettings

_HOMES = {
    "Checkpoint": "checkpoint",
    "CheckpointStore": "checkpoint",
    "Task": "settings",
    "TrainSettings": "settings",
    "test_candidate": "evaluate",
    "train_rung": "rung",
    "trained_network": "evaluate",
}
__all__ = ["Checkpoint", "CheckpointStore", "Task", "TrainSettings", "test_candidate", "train_rung", "trained_network"]


def __getattr__(name: str) -> Any:
    """Names load where they are first used, so that reading settings does not import torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
