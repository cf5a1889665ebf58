"""The recipes that results of the field are quoted under, and smaller ones of the same make."""

from typing import Any

from ranknosh.config.retrain import RetrainSettings
from ranknosh.errors import ConfigError, unknown
from ranknosh.training.settings import TrainSettings

_DARTS = {
    "batch": 96,
    "lr": 0.025,
    "lr_per": "epoch",
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 3e-4,
    "grad_clip": 5.0,
    "augment": "crop_flip_cutout",
    "drop_path": 0.2,
    "auxiliary": 0.4,
}
_NASBENCH201 = {
    "batch": 256,
    "lr": 0.1,
    "lr_per": "step",
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 5e-4,
    "grad_clip": 0.0,
    "augment": "crop_flip",
}
_TINY = {"augment": "none", "drop_path": 0.0, "batch": 64}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "cifar": {
        "darts": {
            "network": {"channels": 36, "cells": 20},
            "train": {**_DARTS, "epochs": 600, "all_images": True},
        },
        "nasbench201": {
            "network": {"channels": 16, "cells": 5},
            "train": {**_NASBENCH201, "epochs": 200, "all_images": True},
        },
    },
    "small": {
        "darts": {"network": {"channels": 16, "cells": 8}, "train": {**_DARTS, "epochs": 25}},
        "nasbench201": {"network": {"channels": 16, "cells": 1}, "train": {**_NASBENCH201, "epochs": 25}},
    },
    "tiny": {
        "darts": {"network": {"channels": 8, "cells": 5}, "train": {**_DARTS, **_TINY, "lr": 0.05, "epochs": 8}},
        "nasbench201": {"network": {"channels": 8, "cells": 1}, "train": {**_NASBENCH201, **_TINY, "epochs": 8}},
    },
}
"""Name -> space -> settings.

``cifar``: a DARTS genotype gets the recipe of Liu et al. (ICLR 2019; the official code), which trains on all 50,000 images;
a cell of NAS-Bench-201 gets that of Dong & Yang (ICLR 2020, table 1: 200 epochs), whose CIFAR-10 test accuracies are likewise
those of networks trained on all 50,000. ``small``: 25 epochs of small networks that leave the validation images out. ``tiny``:
a try in a minute; no augmentation, which suits digits.
"""
DEFAULT_DATA = {"cifar": "cifar10", "small": "cifar10", "tiny": "cluttered_digits"}
"""The images a preset is meant for, where none are named."""


def preset(name: str, space: str) -> RetrainSettings:
    """The recipe called ``name`` for cells of ``space`` (``darts`` or ``nasbench201``). Raises ConfigError for others."""
    if name not in PRESETS:
        raise ConfigError(unknown("preset", name, PRESETS))
    if space not in PRESETS[name]:
        raise ConfigError(f"no recipe is known for cells of {space!r}; known are those of {', '.join(PRESETS[name])}")
    return RetrainSettings.model_validate({"preset": name, **PRESETS[name][space]})


def training_of(recipe: RetrainSettings) -> TrainSettings:
    """The recipe for the trainer of candidates."""
    train = recipe.train.model_dump()
    return TrainSettings(total_epochs=train.pop("epochs"), **train)
