"""The settings of a retraining and of finals: what is trained, its space, by which recipe, on which data."""

from typing import ClassVar, Literal

from pydantic import model_validator

from ranknosh.config.fields import Count, Duration, RuleBroken, Switch, Texts, setting
from ranknosh.config.learning import DataConfig, SpaceConfig, TaskConfig
from ranknosh.config.sections import Section, TrainConfig
from ranknosh.config.settings import Changes, Settings


class RetrainTraining(TrainConfig):
    """As candidates are trained, for ``epochs``."""

    epochs: Count = setting(..., "epochs of the whole training")
    augment: Literal["auto", "none", "crop_flip", "cutout", "crop_flip_cutout"] = setting(  # type: ignore[assignment]
        "auto",
        "how training pictures are changed at random; auto: as the preset says, none where the data do not take it",
    )
    all_data: Switch = setting(False, "train on the validation examples too")


class RecipeSettings(Settings):
    """A recipe and the data that it is applied to."""

    CHANGES: ClassVar[Changes] = {
        "free": ("train.device", "train.threads", "train.channels_last", "train.divergence_factor")
    }

    preset: str = setting("own", "the recipe it began with; settings may differ from it since")
    split_seed: int = setting(0, "which examples are validation and test, in a set without such parts", ge=0)
    space: SpaceConfig = setting(..., "the space of the architecture, and the size of its network")
    train: RetrainTraining = setting(..., "how it is trained")
    data: DataConfig | None = setting(None, "examples to train on, by default those of the run or of the preset")
    task: TaskConfig = setting(TaskConfig(), "what is learned of them, by default as in the run")

    @model_validator(mode="after")
    def _warmup_ends(self) -> "RecipeSettings":
        self.train.check_warmup(self.train.epochs, "of train.epochs")
        return self


class RetrainSettings(RecipeSettings):
    """Everything that decides what a retraining does: a recipe, and what it is applied to."""

    architecture: str | None = setting(None, "the architecture as text, None in a recipe alone", max_length=1_000_000)


class FinalsBudget(Section):
    """Limits, None for none."""

    time: Duration = setting(None, "wall time of all trainings together; what has ended by then is chosen from")


class FinalsSettings(RecipeSettings):
    """Everything that decides what finals do: a recipe, the architectures that are trained by it, and with how many seeds."""

    CHANGES: ClassVar[Changes] = {**RecipeSettings.CHANGES, "raise": ("seeds", "budget.*")}

    architectures: Texts = setting((), "the architectures as text, the best of the search first")
    seeds: Count = setting(1, "trainings of each architecture: the first with seed, the next with the number after it")
    budget: FinalsBudget = setting(FinalsBudget(), "how long they may take")

    @model_validator(mode="after")
    def _something_is_left_to_judge_by(self) -> "FinalsSettings":
        if self.train.all_data:
            raise RuleBroken(
                "train.all_data",
                "train.all_data is true, which leaves no validation examples, and one of several trainings is picked by them; "
                "leave it out, and train the one that is picked on all data afterwards",
            )
        return self
