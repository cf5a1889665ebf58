"""How candidates are trained, and the task they are trained on. No torch here, so that a configuration reads fast."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, NetworkSize

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.data import ImageData

Augment = Literal["none", "crop_flip", "cutout", "crop_flip_cutout"]
Amp = Literal["off", "bf16"]
Metric = Literal["accuracy", "loss", "ema_accuracy", "ema_loss"]
LrPer = Literal["step", "epoch"]
Builder: TypeAlias = "Callable[[Architecture, NetworkSize], nn.Module]"


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Stochastic gradient descent with one cosine schedule of ``total_epochs`` for every level.

    ``weight_decay`` acts on every parameter, biases and batch-norm scales included (as NAS-Bench-201 does). ``ema`` is the
    decay per step of averaged weights, 0 for none. ``grad_clip`` bounds the global gradient norm, 0 for none.
    ``metric`` is what candidates are ranked by, on the validation split: a loss is negated, ``ema_*`` reads the averaged
    weights. ``divergence_factor``: two epochs in a row with a training loss above this multiple of the first batch's end a
    training.

    ``lr_per``: the cosine moves once a ``step``, or once an ``epoch`` as in the DARTS code. ``drop_path``: the rate that drop
    path comes close to in the last epoch, 0 for none. ``auxiliary``: weight of the loss of a second head, 0 for none.
    ``all_images``: train on the validation images too, so that nothing is left to validate on.

    Raises ConfigError where a value breaks its rule.
    """

    total_epochs: int
    batch: int = 64
    lr: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    augment: Augment = "none"
    amp: Amp = "off"
    ema: float = 0.0
    warmup_epochs: float = 0.0
    grad_clip: float = 0.0
    metric: Metric = "accuracy"
    threads: int = 1
    channels_last: bool | Literal["auto"] = "auto"
    device: str = "auto"
    divergence_factor: float = 3.0
    lr_per: LrPer = "step"
    drop_path: float = 0.0
    auxiliary: float = 0.0
    all_images: bool = False

    def __post_init__(self) -> None:
        rules: dict[str, tuple[bool, str]] = {
            "total_epochs": (self.total_epochs >= 1, "at least 1"),
            "batch": (self.batch >= 1, "at least 1"),
            "lr": (0 < self.lr < math.inf, "a positive number"),
            "momentum": (0 <= self.momentum < 1, "at least 0 and below 1"),
            "weight_decay": (0 <= self.weight_decay < math.inf, "at least 0"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "at least 0 and below 1"),
            "augment": (self.augment in get_args(Augment), f"one of {', '.join(get_args(Augment))}"),
            "amp": (self.amp in get_args(Amp), f"one of {', '.join(get_args(Amp))}"),
            "ema": (0 <= self.ema < 1, "at least 0 (off) and below 1"),
            "warmup_epochs": (
                0 <= self.warmup_epochs <= self.total_epochs,
                f"between 0 and {self.total_epochs} epochs",
            ),
            "grad_clip": (0 <= self.grad_clip < math.inf, "at least 0 (off)"),
            "metric": (self.metric in get_args(Metric), f"one of {', '.join(get_args(Metric))}"),
            "threads": (self.threads >= 1, "at least 1"),
            "channels_last": (self.channels_last in (True, False, "auto"), "true, false or auto"),
            "divergence_factor": (self.divergence_factor > 1, "above 1"),
            "lr_per": (self.lr_per in get_args(LrPer), f"one of {', '.join(get_args(LrPer))}"),
            "drop_path": (0 <= self.drop_path < 1, "at least 0 (off) and below 1"),
            "auxiliary": (0 <= self.auxiliary < math.inf, "at least 0 (off)"),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise ConfigError(f"train.{name} must be {rule}, got {getattr(self, name)!r}")
        if self.reads_average and self.ema == 0:
            raise ConfigError(
                f"train.metric {self.metric!r} reads averaged weights, but train.ema is 0 (off); "
                f"set train.ema (0.99 suits a few hundred steps) or train.metric={self.metric.removeprefix('ema_')}"
            )

    @property
    def reads_average(self) -> bool:
        """True where candidates are judged with their averaged weights."""
        return self.metric.startswith("ema_")


@dataclass(frozen=True)
class Task:
    """Data, network size and training settings shared by every candidate of a search.

    ``build`` makes the network of an architecture, weights drawn from torch's current generator; None takes
    :func:`ranknosh.spaces.nets.build_candidate`. It has to be a module-level function where jobs leave the process.
    """

    data: ImageData
    size: NetworkSize
    settings: TrainSettings
    build: Builder | None = None

    @cached_property
    def learned(self) -> ImageData:
        """``data``, whose training images hold the validation images too where all are trained on."""
        return self.data.with_all_images() if self.settings.all_images else self.data
