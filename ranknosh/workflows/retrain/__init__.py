"""Training a found cell from scratch by the recipes of the field, resumable, with a report: what a search is judged by."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.workflows.retrain.api import retrain
    from ranknosh.workflows.retrain.outcome import EpochLine, Retrained, RetrainFailed
    from ranknosh.workflows.retrain.presets import PRESETS, preset
    from ranknosh.workflows.retrain.recipe import Recipe, RetrainConfig
    from ranknosh.workflows.retrain.subject import parse_subject, read_subject

_HOMES = {
    "PRESETS": "presets",
    "EpochLine": "outcome",
    "Recipe": "recipe",
    "RetrainConfig": "recipe",
    "RetrainFailed": "outcome",
    "Retrained": "outcome",
    "parse_subject": "subject",
    "preset": "presets",
    "read_subject": "subject",
    "retrain": "api",
}
__all__ = [
    "PRESETS",
    "EpochLine",
    "Recipe",
    "RetrainConfig",
    "RetrainFailed",
    "Retrained",
    "parse_subject",
    "preset",
    "read_subject",
    "retrain",
]


def __getattr__(name: str) -> Any:
    """Names load where they are first used, so that reading a recipe does not import torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
