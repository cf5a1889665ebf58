"""Training a found cell from scratch by the recipes of the field, resumable, with a report: what a search is judged by."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.workflows.retrain.api import retrain
    from ranknosh.workflows.retrain.found_cell import parse_cell, read_cell
    from ranknosh.workflows.retrain.presets import PRESETS, preset
    from ranknosh.workflows.retrain.records import EpochLine, Retrained, RetrainFailed
    from ranknosh.workflows.retrain.run import RetrainRun

_HOMES = {
    "PRESETS": "presets",
    "EpochLine": "records",
    "RetrainFailed": "records",
    "RetrainRun": "run",
    "Retrained": "records",
    "parse_cell": "found_cell",
    "preset": "presets",
    "read_cell": "found_cell",
    "retrain": "api",
}
__all__ = [
    "PRESETS",
    "EpochLine",
    "RetrainFailed",
    "RetrainRun",
    "Retrained",
    "parse_cell",
    "preset",
    "read_cell",
    "retrain",
]


def __getattr__(name: str) -> Any:
    """Names load where they are first used, so that reading a recipe does not import torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
