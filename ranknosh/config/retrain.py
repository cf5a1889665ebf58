"""The settings of a retraining: the cell, the size of its network, how it is trained, on which images."""

from typing import ClassVar

from pydantic import model_validator

from ranknosh.config.fields import Count, Switch, setting
from ranknosh.config.sections import DataConfig, NetworkConfig, TrainConfig
from ranknosh.config.settings import Changes, Settings


class RetrainTraining(TrainConfig):
    """As candidates are trained, for ``epochs``."""

    epochs: Count = setting(..., "epochs of the whole training")
    all_images: Switch = setting(False, "train on the validation images too")


class RetrainSettings(Settings):
    """Everything that decides what a retraining does: a recipe, and what it is applied to."""

    CHANGES: ClassVar[Changes] = {
        "free": ("train.device", "train.threads", "train.channels_last", "train.divergence_factor")
    }

    preset: str = setting("own", "the recipe it began with; settings may differ from it since")
    architecture: str | None = setting(None, "the cell as text, None in a recipe alone", max_length=1_000_000)
    split_seed: int = setting(0, "which images are validation and test, in a set without such parts", ge=0)
    network: NetworkConfig = setting(..., "size of the network")
    train: RetrainTraining = setting(..., "how it is trained")
    data: DataConfig | None = setting(None, "images to train on, by default those of the run or of the preset")

    @model_validator(mode="after")
    def _warmup_ends(self) -> "RetrainSettings":
        self.train.check_warmup(self.train.epochs, "of train.epochs")
        return self
