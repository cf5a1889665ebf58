"""The settings of a retraining: the cell, the size of its network, how it is trained, on which images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from ranknosh.config.fields import Switch
from ranknosh.config.sections import DataConfig, NetworkConfig, TrainConfig
from ranknosh.config.settings import Change, Settings


class RetrainTraining(TrainConfig):
    """As candidates are trained, for ``epochs``. ``all_images``: train on the validation images too."""

    epochs: Annotated[int, Field(ge=1)]
    all_images: Switch = False


class RetrainSettings(Settings):
    """Everything that decides what a retraining does: a recipe, and what it is applied to.

    ``preset`` is the name of the recipe it began with; settings may differ from it since. ``architecture``: the cell as text,
    None in a recipe that is applied to none yet. ``network.cells`` are cells in all for a DARTS genotype, cells a stage for
    NAS-Bench-201. ``split_seed`` decides which images are validation and test where a set does not come cut; it stays while seeds
    vary. ``data`` is None where the images are handed over in memory.
    """

    CHANGES: ClassVar[Mapping[str, Change]] = {
        "train.device": "free",
        "train.threads": "free",
        "train.channels_last": "free",
        "train.divergence_factor": "free",
    }

    preset: str = "own"
    architecture: Annotated[str | None, Field(max_length=1_000_000)] = None
    split_seed: Annotated[int, Field(ge=0)] = 0
    network: NetworkConfig
    train: RetrainTraining
    data: DataConfig | None = None

    @model_validator(mode="after")
    def _warmup_ends(self) -> RetrainSettings:
        self.train.check_warmup(self.train.epochs, "of train.epochs")
        return self
