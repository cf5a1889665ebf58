"""The settings of a supernet search: method, space, task, recipe and budget."""

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from ranknosh.config.fields import Amp, Count, Device, Duration, RuleBroken, Switch, SwitchOrAuto, setting
from ranknosh.config.learning import DataConfig, PublishedSpaceConfig, TaskConfig
from ranknosh.config.sections import Section
from ranknosh.config.settings import Changes, Settings


class MethodConfig(Section):
    """How the supernet is searched."""

    name: str = setting("darts", "a method, such as darts or pc_darts", min_length=1)
    options: dict[str, Any] = setting({}, "options of the method, such as patience=0", examples=[{"patience": 0}])


class RecipeConfig(Section):
    """What differs from the method's own recipe (see ``supernet.method.SupernetRecipe``); None keeps that."""

    batch: int | None = setting(None, "examples of a step", ge=2, examples=[64])
    lr: float | None = setting(None, "learning rate of the weights at the start", gt=0, examples=[0.025])
    lr_last: float | None = setting(None, "learning rate of the weights at the end", ge=0, examples=[0.001])
    momentum: float | None = setting(None, "momentum of the weights' optimiser", ge=0, lt=1, examples=[0.9])
    nesterov: Switch | None = setting(None, "Nesterov's form of the momentum")
    weight_decay: float | None = setting(None, "decay of the weights", ge=0, examples=[3e-4])
    clip: float | None = setting(None, "bound of the weights' gradient norm, 0 for none", ge=0, examples=[5.0])
    augment: Literal["none", "crop_flip", "crop_flip_cutout"] | None = setting(
        None, "how training pictures are changed at random; by default as published, none for other inputs"
    )


class SupernetBudget(Section):
    """How long a search is."""

    epochs: int | None = setting(None, "epochs of the whole search, by default as published", ge=1, examples=[30])
    time: Duration = setting(
        None, "device time, such as 10m; chooses the epochs so that the schedule ends with it, or cuts off those given"
    )


class SupernetTrain(Section):
    """Where and how fast the supernet is trained."""

    device: Device = setting("auto", "where it runs: cpu, cuda, cuda:1 ..., or auto for a GPU where there is one")
    threads: Count = setting(1, "CPU threads; only equal threads give equal bits")
    channels_last: SwitchOrAuto = setting("auto", "memory layout of images and weights; auto is on")
    amp: Amp = setting("off", "bf16 for passes in bfloat16, which changes results")


class WatchConfig(Section):
    """What is measured during the search, which it does not change. It takes device time."""

    eigenvalue: int = setting(0, "epochs between two largest eigenvalues of the alphas' Hessian, 0: never", ge=0)
    gap: int = setting(0, "epochs between two discretisation gaps of the task's metric, 0: never", ge=0)
    landscape: int = setting(0, "points a side (odd) of the loss around the final alphas, 0: none", ge=0)

    @model_validator(mode="after")
    def _has_a_centre(self) -> "WatchConfig":
        if self.landscape and (self.landscape < 3 or self.landscape % 2 == 0):
            raise RuleBroken(
                "watch.landscape",
                f"watch.landscape is {self.landscape}; it must be odd and at least 3, so that its centre is a point, or 0",
            )
        return self


class SupernetSettings(Settings):
    """Everything that decides what a supernet search does."""

    CHANGES: ClassVar[Changes] = {"free": ("train.device", "train.threads", "train.channels_last", "table")}

    split_seed: int = setting(0, "which examples are training, validation and test, and its halves", ge=0)
    method: MethodConfig = setting(MethodConfig(), "how the supernet is searched")
    space: PublishedSpaceConfig = setting(PublishedSpaceConfig(), "what is searched, and the size of the supernet")
    data: DataConfig = setting(DataConfig(name="cluttered_digits"), "what to train and judge on")
    task: TaskConfig = setting(TaskConfig(), "what is learned of the data: loss and metrics")
    recipe: RecipeConfig = setting(RecipeConfig(), "what differs from the method's own recipe")
    budget: SupernetBudget = setting(SupernetBudget(), "how long the search is")
    watch: WatchConfig = setting(WatchConfig(), "what is measured during the search")
    train: SupernetTrain = setting(SupernetTrain(), "where and how fast the supernet is trained")
    table: str | None = setting(
        None, "npz file of finished trainings, to show what it knows of each epoch's cell, never a signal"
    )
