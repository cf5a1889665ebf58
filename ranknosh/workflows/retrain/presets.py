"""The recipes that results of the field are quoted under, and smaller ones of the same make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ranknosh.config.retrain import RecipeSettings, RetrainSettings
from ranknosh.errors import ConfigError, unknown
from ranknosh.spaces.base import Space
from ranknosh.training.settings import TrainSettings

if TYPE_CHECKING:
    from ranknosh.tasks.data import Data

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "cifar": {"train": {"epochs": 200, "augment": "crop_flip", "all_data": True}},
    "imagenet": {"train": {"epochs": 250, "augment": "crop_flip"}, "task": {"label_smoothing": 0.1}},
    "small": {"train": {"epochs": 25, "augment": "crop_flip"}},
    "tiny": {"train": {"epochs": 8}},
}
"""Name -> recipe, for spaces without a recipe of that name of their own (:attr:`ranknosh.spaces.base.Space.recipes`).

``cifar``: what the field trains on all 50,000 examples. ``imagenet``: what it trains on pictures of 224 pixels, with smoothed
labels where the task has classes. ``small``: 25 epochs of small networks that leave the validation part out. ``tiny``: a try in
a minute; no augmentation, which suits digits.
"""
DEFAULT_DATA = {"cifar": "cifar10", "small": "cifar10", "tiny": "cluttered_digits"}
"""The data a preset is meant for, where none are named and it is not the user's to bring them."""
LARGE = 128
"""Side of pictures in pixels from which on they are more like ImageNet's than like CIFAR's."""


def suited(device: str, kind: str | None, shape: Sequence[int] = ()) -> tuple[str, str]:
    """The preset for a device and for inputs, where nobody names one, and why.

    Args:
        device: its type, such as ``cpu``.
        kind: of the inputs (:attr:`ranknosh.tasks.data.Preparation.kind`); None where it is not known.
        shape: of an input, where it is known.
    """
    if kind not in (None, "pictures"):
        return "small", f"the inputs are {kind}, and the field's recipe is made for pictures; --preset names another"
    if device == "cpu":
        return "small", "no GPU trains here, and the field's recipe takes days on a CPU; --preset cifar is that"
    if len(shape) == 3 and min(shape[1:]) >= LARGE:
        return (
            "imagenet",
            f"the field's recipe for pictures from {LARGE} pixels on, on {device}; --preset small is a shorter one",
        )
    return "cifar", f"the field's recipe, on {device}; --preset small is a shorter one"


def preset(name: str, space: Space, spelled: str | None = None) -> RetrainSettings:
    """The recipe called ``name`` for architectures of a space.

    Args:
        name: of the recipe.
        space: its own settings stay where the recipe says nothing of them.
        spelled: the name by which the space is found; None for its own.

    Raises:
        ConfigError: there is no such recipe.
    """
    if name not in PRESETS:
        raise ConfigError(unknown("preset", name, PRESETS))
    recipe = _recipe(name, space)
    section = {"name": spelled or space.name, **space.settings, **recipe.get("space", {})}
    found = {"preset": name, "space": section, "train": {**recipe["train"], "augment": "auto"}}
    if "task" in recipe:
        found["task"] = {"name": "classification", **recipe["task"]}
    return RetrainSettings.model_validate(found)


def _recipe(name: str, space: Space) -> Mapping[str, Any]:
    return space.recipes.get(name, PRESETS.get(name, {"train": {}}))


def training_of(recipe: RecipeSettings, data: Data | None = None) -> TrainSettings:
    """The recipe for the trainer of candidates.

    Args:
        recipe: whose augmentation may be ``auto``: that of its preset.
        data: that are trained on; what is auto and does not suit them is left out.
    """
    train = recipe.train.model_dump()
    if train["augment"] == "auto":
        augment = _recipe(recipe.preset, recipe.space.make())["train"].get("augment", "none")
        train["augment"] = augment if data is None else data.fitting(augment)
    return TrainSettings(total_epochs=train.pop("epochs"), **train)
