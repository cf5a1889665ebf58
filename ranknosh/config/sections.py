"""The sections of a configuration that every search has of its own: every setting, its default, the values it may take, and what
it means. Space, data and task are in :mod:`.learning`, where jobs run in :mod:`.execution`."""

from contextlib import suppress
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from ranknosh.config.fields import (
    Amp,
    Count,
    Device,
    DeviceTime,
    Duration,
    Epochs,
    NotNegative,
    PredictorName,
    Proxies,
    Rate,
    Ratio,
    RuleBroken,
    Share,
    Size,
    Switch,
    SwitchOrAuto,
    Threads,
    setting,
)
from ranknosh.config.units import parse_device_time, parse_duration
from ranknosh.errors import ConfigError


class Section(BaseModel):
    """Strict: an unknown key, a text where a number belongs, or a NaN is an error; instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TrainConfig(Section):
    """Stochastic gradient descent under one schedule; in a search it runs to the last of ``pyramid.epochs`` for every level."""

    batch: Count = setting(64, "examples of a step")
    lr: float = setting(0.1, "learning rate at the start of its schedule", gt=0)
    momentum: Rate = setting(0.9, "momentum of the optimiser")
    nesterov: Switch = setting(True, "Nesterov's form of the momentum")
    weight_decay: NotNegative = setting(5e-4, "on every parameter, as NAS-Bench-201 does: biases and batch-norm too")
    augment: Literal["none", "crop_flip", "cutout", "crop_flip_cutout"] = setting(
        "none", "how training pictures are changed at random"
    )
    randaugment: int = setting(
        0, "magnitude of RandAugment's two operations on each training picture, 0 for none", ge=0, le=30, examples=[9]
    )
    mixup: NotNegative = setting(0.0, "alpha of mixup, of tasks with classes or labels; 0 for none")
    amp: Amp = setting("off", "bf16 for passes in bfloat16, which changes results")
    ema: Rate = setting(0.0, "decay per step of averaged weights, 0 for none")
    warmup_epochs: NotNegative = setting(0.0, "epochs in which the learning rate rises from 0")
    grad_clip: NotNegative = setting(0.0, "bound of the global gradient norm, 0 for none")
    metric: str = setting(
        "auto",
        "what ranks, on validation: a metric of the task or loss, ema_* with averaged weights; auto: what the task says",
        min_length=1,
        examples=["auto", "accuracy", "loss", "ema_loss"],
    )
    threads: Threads = setting(1, "CPU threads of a training; only equal threads give equal bits")
    channels_last: SwitchOrAuto = setting("auto", "memory layout of pictures and weights")
    device: Device = setting("auto", "where it runs: cpu, cuda, cuda:1 ..., or auto for a GPU where there is one")
    divergence_factor: float = setting(3.0, "end at two epochs of this multiple of the first batch's loss", gt=1)
    schedule: Literal["cosine", "linear", "exponential"] = setting(
        "cosine", "how the learning rate falls: to 0 at the end, or exponential: by lr_decay an epoch"
    )
    lr_decay: float = setting(0.97, "what an epoch of the exponential schedule multiplies the rate by", gt=0, le=1)
    lr_per: Literal["step", "epoch"] = setting("step", "how often the rate moves (DARTS: once an epoch)")
    drop_path: Rate = setting(0.0, "rate of drop path at the end, p * epoch / epochs before; 0 for none")
    auxiliary: NotNegative = setting(0.0, "weight of the loss of a second head, 0 for no such head")

    @model_validator(mode="after")
    def _averages_are_kept(self) -> "TrainConfig":
        if self.reads_average and self.ema == 0:
            raise RuleBroken(
                "train.metric",
                f"train.metric is {self.metric}, but no averaged weights are kept; write for example train.ema: 0.99 as well",
            )
        return self

    @property
    def reads_average(self) -> bool:
        """True where candidates are judged with their averaged weights."""
        return self.metric.startswith("ema_")

    def check_warmup(self, epochs: int, what: str) -> None:
        """Raises RuleBroken where the warm-up does not end within ``epochs``, which ``what`` is the name of."""
        if self.warmup_epochs >= epochs:
            raise RuleBroken(
                "train.warmup_epochs",
                f"train.warmup_epochs is {self.warmup_epochs:g}, not below the {epochs} {what}; write for example {epochs // 2}",
            )


class PyramidConfig(Section):
    """How many candidates are trained how far."""

    epochs: Epochs = setting((1, 2, 4, 8), "epochs of the levels, cumulative")
    ratio: Ratio = setting("auto", "share of a level's arrivals that is promoted; auto spends alike on every level")
    batch: Count = setting(6, "candidates of a later batch")
    initial: Count = setting(12, "candidates of the first batch")
    candidates: int | None = setting(None, "candidates in all, at most", ge=1, le=10**9, examples=[42])
    schedule: Literal["reproducible", "eager", "hyperband"] = setting(
        "reproducible",
        "the rule for the order of decisions; hyperband has brackets, which say initial, batch and ratio themselves",
    )
    overlap: Count = setting(
        1,
        "batches in flight at once in the reproducible schedule; more keep more workers busy, and proposals then "
        "know less of the batches just before them. It decides what is searched, the number of workers does not",
    )
    finalists: int = setting(0, "candidates of the top level trained again with other seeds", ge=0, le=10**6)
    promote: Literal["observed", "predicted"] = setting("observed", "what orders the candidates of a level")
    signal: Literal["auto", "validation", "mean", "ema", "train_loss", "combined"] = setting(
        "auto",
        "what they are observed by: the validation metric after the last epoch, its mean over three epochs, its moving average, "
        "the training loss, or the ranks by validation and training loss together; auto: what has predicted the next level best",
    )
    closing: Rate = setting(0.0, "share of the epoch budget kept for closing promotions")


class SeedingConfig(Section):
    """The initial candidates: the best of ``draw`` by train-free proxies, but for ``random_share`` of them."""

    draw: Count = setting(200, "architectures that are scored before any training")
    proxies: Proxies = setting(("synflow", "nwot"), "the proxies that order them")
    combine: Literal["rank_mean", "log_rank_product", "vote"] = setting("rank_mean", "how proxies give one order")
    random_share: Share = setting(0.25, "share of the initial candidates drawn at random")
    follow: Share = setting(
        0.0,
        "chance that a later random candidate is the best left of the draw instead, its proxies weighed by the results",
    )
    options: dict[str, dict[str, Any]] = setting({}, "options of proxies, by the proxy's name")


class PredictorConfig(Section):
    """What orders architectures by the results so far."""

    name: PredictorName = setting("auto", "the ranker, or module:name of your own; auto chooses by cross-validation")
    pairs: Literal["level", "common", "agree"] = setting("level", "what compares candidates of different levels")
    near_tie: NotNegative = setting(0.0, "pairs of one level closer than this in the metric are left out")
    ensemble: int | None = setting(
        None, "bootstrap members, None for what suits the predictor", ge=0, le=1000, examples=[5]
    )
    options: dict[str, Any] = setting({}, "the predictor's own settings")


class ProposeConfig(Section):
    """How later candidates are chosen."""

    function: str | None = setting(
        None,
        "module:name of a function of your own that proposes candidates in place of the predictor",
        pattern=r"^.+:.+$",
        examples=["my_file:evolve"],
    )
    exploration: Share = setting(0.1, "share of later candidates drawn at random; 1: no predictor is fitted")
    acquisition: Literal["auto", "thompson", "mean", "ucb"] = setting(
        "thompson", "what of a prediction decides; auto is ucb where the space is too large to list, else thompson"
    )


class CostConfig(Section):
    """Where a cost comes from: a table, a function, or by default counting and measuring the network."""

    table: str | None = setting(
        None, "a csv or npz file with a column architecture (or arch) and one of the cost", examples=["latency.csv"]
    )
    column: str | None = setting(None, "of the table, by default the name of the cost", examples=["raspi4_latency"])
    function: str | None = setting(
        None, "MODULE:FUNCTION from the choices of an architecture, by name, to a number", examples=["my_costs:energy"]
    )
    unit: str = setting("", "of the table's or function's numbers, such as ms, MB or M", examples=["ms"])
    device: Device = setting("auto", "where latency and memory are measured; memory is counted where it is no GPU")
    batch: Count = setting(1, "inputs at a time, of latency and memory")
    threads: Threads = setting(1, "of the CPU, while latency is measured")
    repeats: Count = setting(30, "timed passes, of which the median counts")

    @model_validator(mode="after")
    def _one_place(self) -> "CostConfig":
        if self.table is not None and self.function is not None:
            raise ValueError("table and function are both given; a cost comes from one of them")
        if self.column is not None and self.table is None:
            raise ValueError("column is given without a table")
        return self


class BudgetConfig(Section):
    """Limits, None for none."""

    epochs: int | None = setting(None, "training epochs of all candidates", ge=0, le=2**53, examples=[130])
    time: Duration = setting(
        None, "wall time of the search, of which the training of the best to the top level is kept"
    )
    device_time: DeviceTime = setting(
        None, "busy time of all devices together, such as 2gpuh; in a comparison that of every search"
    )
    disk: Size = setting(None, "size of all checkpoints together, such as 10GB")


LIMITS = ("epochs", "time", "device_time")
"""Settings of a budget of which one alone ends a search."""


def budget_section(text: str) -> dict[str, Any]:
    """The limits of a text such as ``130``, ``2h`` or ``2gpuh``, None for the others. Raises ConfigError."""
    bare = text.strip().removesuffix("epochs").strip()
    none: dict[str, Any] = dict.fromkeys(LIMITS)
    if bare.isdecimal():
        return {**none, "epochs": int(bare)}
    for key, parse in (("time", parse_duration), ("device_time", parse_device_time)):
        with suppress(ValueError):
            parse(bare)
            return {**none, key: bare}
    raise ConfigError(f"--budget {text}: write a number of epochs (130), a duration (2h) or device time (2gpuh)")


class TrackConfig(Section):
    """Where a search is mirrored while it runs."""

    tensorboard: Switch = setting(False, "write TensorBoard files into the run folder")
    mlflow: str | None = setting(None, "a tracking URI of MLflow", min_length=1, examples=["sqlite:///mlflow.db"])
