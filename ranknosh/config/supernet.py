"""How a supernet search is set up: method, space, size, images, recipe and budget, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from ranknosh.config.fields import Duration, RuleBroken, Switch, switch_or_auto, text_matching
from ranknosh.config.sections import DataConfig, Section
from ranknosh.config.settings import Change, Settings


class MethodConfig(Section):
    """``name``: one of ``supernet.methods.METHODS``. ``options``: arguments of its factory other than the epochs."""

    name: Annotated[str, Field(min_length=1)] = "darts"
    options: dict[str, Any] = Field(default_factory=dict)


class SupernetSize(Section):
    """None is the published size of the space's supernet; cells of NAS-Bench-201 are those of a stage, of DARTS all."""

    channels: Annotated[int | None, Field(ge=1, examples=[8])] = None
    cells: Annotated[int | None, Field(ge=1, examples=[1])] = None


class RecipeConfig(Section):
    """What differs from the method's own recipe (see ``supernet.method.SupernetRecipe``); None keeps that."""

    batch: Annotated[int | None, Field(ge=2, examples=[64])] = None
    lr: Annotated[float | None, Field(gt=0, examples=[0.025])] = None
    lr_last: Annotated[float | None, Field(ge=0, examples=[0.001])] = None
    momentum: Annotated[float | None, Field(ge=0, lt=1, examples=[0.9])] = None
    nesterov: Switch | None = None
    weight_decay: Annotated[float | None, Field(ge=0, examples=[3e-4])] = None
    clip: Annotated[float | None, Field(ge=0, examples=[5.0])] = None
    augment: Literal["none", "crop_flip", "crop_flip_cutout"] | None = None


class SupernetBudget(Section):
    """``epochs``: of the whole search, None for the method's published number. ``time``: device time.

    With ``time`` alone the number of epochs is chosen so that the schedule ends with it; with both, time cuts the schedule off.
    """

    epochs: Annotated[int | None, Field(ge=1, examples=[30])] = None
    time: Duration = None


class SupernetTrain(Section):
    """Where and how fast. ``channels_last`` ``auto`` is on. ``amp``: bf16 for passes in bfloat16, which changes results."""

    device: Annotated[
        str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", examples=["auto", "cpu", "cuda", "cuda:0"])
    ] = "auto"
    threads: Annotated[int, Field(ge=1)] = 1
    channels_last: Annotated[bool | Literal["auto"], switch_or_auto] = "auto"
    amp: Annotated[Literal["off", "bf16"], text_matching({False: "off"})] = "off"


class WatchConfig(Section):
    """What is measured beside the search, which it does not change. It takes device time.

    ``eigenvalue``: of the validation loss's Hessian to the alphas, and ``gap``: accuracy of the supernet less that of the
    derived cell inside it, both every so many epochs, 0 for never. ``landscape``: points a side of a slice of the validation loss
    around the final alphas, an odd number, 0 for none.
    """

    eigenvalue: Annotated[int, Field(ge=0)] = 0
    gap: Annotated[int, Field(ge=0)] = 0
    landscape: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_a_centre(self) -> WatchConfig:
        if self.landscape and (self.landscape < 3 or self.landscape % 2 == 0):
            raise RuleBroken(
                ("watch", "landscape"),
                f"watch.landscape is {self.landscape}; it must be odd and at least 3, so that its centre is a point, or 0",
            )
        return self


class SupernetSettings(Settings):
    """Everything that decides what a supernet search does.

    ``split_seed`` decides which images are training, validation and test where a set does not come cut, and which half of the
    training images each level learns from; it stays while seeds vary. ``table``: accuracies that epochs are annotated with,
    never a signal of the search. Only equal ``train.threads`` and ``train.channels_last`` give equal bits.
    """

    CHANGES: ClassVar[Mapping[str, Change]] = {
        "train.device": "free",
        "train.threads": "free",
        "train.channels_last": "free",
        "table": "free",
    }

    split_seed: Annotated[int, Field(ge=0)] = 0
    method: MethodConfig = MethodConfig()
    space: Annotated[str, Field(min_length=1)] = "nasbench201"
    network: SupernetSize = SupernetSize()
    data: DataConfig = DataConfig(name="cluttered_digits")
    recipe: RecipeConfig = RecipeConfig()
    budget: SupernetBudget = SupernetBudget()
    watch: WatchConfig = WatchConfig()
    train: SupernetTrain = SupernetTrain()
    table: str | None = None
