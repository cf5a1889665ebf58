"""The sections of a configuration: every setting, its default, the values it may take, and what it means."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from ranknosh.config.fields import (
    PREDICTORS,
    SPACES,
    Amp,
    Count,
    DataName,
    Deadline,
    Device,
    DeviceTime,
    Duration,
    Epochs,
    LevelNumber,
    NotNegative,
    Proxies,
    Rate,
    Ratio,
    RuleBroken,
    Share,
    Size,
    Switch,
    SwitchOrAuto,
    setting,
)

SOURCES = ("name", "folder", "npz")


class Section(BaseModel):
    """Strict: an unknown key, a text where a number belongs, or a NaN is an error; instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SpaceConfig(Section):
    """What is searched."""

    name: Literal[SPACES] = setting("nasbench201", "the search space")  # type: ignore[valid-type]


class NetworkConfig(Section):
    """The size of every network."""

    channels: Count = setting(8, "channels of the first cells")
    cells: Count = setting(1, "cells in each stage (NAS-Bench-201) or in all (DARTS)")


class DataConfig(Section):
    """The images, from exactly one of ``name``, ``folder`` and ``npz``."""

    name: DataName = setting(None, "a known set by its name", examples=["digits"])
    folder: str | None = setting(None, "an image folder or archive", examples=["path/to/images"])
    npz: str | None = setting(None, "a file of arrays of images and labels", examples=["images.npz"])
    root: str | None = setting(None, "where published sets lie, such as cifar10", examples=["~/datasets"])
    download: Switch = setting(False, "fetch a published set that is not there")
    resize: int | None = setting(None, "side that images are scaled and cropped to, in pixels", ge=4, examples=[32])
    validation: float = setting(0.2, "share split off where the set has no such part", gt=0, lt=1)
    test: float = setting(0.2, "share split off where the set has no such part", gt=0, lt=1)
    train_limit: int | None = setting(None, "training images kept, by class; None for all", ge=2, examples=[8000])
    validation_limit: int | None = setting(None, "validation images kept, likewise", ge=2, examples=[2000])
    test_limit: int | None = setting(None, "test images kept, likewise", ge=2, examples=[2000])
    options: dict[str, Any] = setting({}, "further arguments of the source")

    @model_validator(mode="after")
    def _one_source(self) -> "DataConfig":
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            came = f"{' and '.join(given)} are given" if given else "none is given"
            raise RuleBroken(
                "data",
                f"exactly one of data.name, data.folder and data.npz says which images to use; {came}. "
                "Write for example name: digits, or give --set data.folder=PATH",
            )
        if self.validation + self.test >= 1:
            raise RuleBroken(
                "data.validation",
                f"data.validation + data.test is {self.validation + self.test:g} and leaves nothing to train on; "
                "write for example 0.2 and 0.2",
            )
        return self


def source_section(data: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The ``data:`` section of a set's name, of a path (image folder, archive or .npz), or of a mapping like it.

    ``name=digits``, ``folder=PATH`` and ``npz=PATH`` say which it is.
    """
    if isinstance(data, Mapping):
        return dict(data)
    kind, _, rest = str(data).partition("=")
    if rest and kind in SOURCES:
        return {kind: rest}
    path = Path(data).expanduser()
    if path.suffix == ".npz":
        return {"npz": str(path)}
    named = isinstance(data, str) and path.name == data and not path.suffix and not path.exists()
    return {"name": data} if named else {"folder": str(path)}


class TrainConfig(Section):
    """Stochastic gradient descent under one cosine; in a search it runs to the last of ``pyramid.epochs`` for every level."""

    batch: Count = setting(64, "images of a step")
    lr: float = setting(0.1, "learning rate at the start of the cosine", gt=0)
    momentum: Rate = setting(0.9, "momentum of the optimiser")
    nesterov: Switch = setting(True, "Nesterov's form of the momentum")
    weight_decay: NotNegative = setting(5e-4, "on every parameter, as NAS-Bench-201 does: biases and batch-norm too")
    label_smoothing: Rate = setting(0.0, "share of the target spread over all classes")
    augment: Literal["none", "crop_flip", "cutout", "crop_flip_cutout"] = setting(
        "none", "how training images are changed at random"
    )
    amp: Amp = setting("off", "bf16 for passes in bfloat16, which changes results")
    ema: Rate = setting(0.0, "decay per step of averaged weights, 0 for none")
    warmup_epochs: NotNegative = setting(0.0, "epochs in which the learning rate rises from 0")
    grad_clip: NotNegative = setting(0.0, "bound of the global gradient norm, 0 for none")
    metric: Literal["accuracy", "loss", "ema_accuracy", "ema_loss"] = setting(
        "accuracy", "what ranks, on validation; ema_* reads averaged weights"
    )
    threads: Count = setting(1, "CPU threads of a training; only equal threads give equal bits")
    channels_last: SwitchOrAuto = setting("auto", "memory layout of images and weights")
    device: Device = setting("auto", "where it runs: cpu, cuda, cuda:1 ..., or auto for a GPU where there is one")
    divergence_factor: float = setting(3.0, "end at two epochs of this multiple of the first batch's loss", gt=1)
    lr_per: Literal["step", "epoch"] = setting("step", "how often the cosine moves (DARTS: once an epoch)")
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
                f"train.warmup_epochs is {self.warmup_epochs:g}, not below the {epochs} {what}",
            )


class PyramidConfig(Section):
    """How many candidates are trained how far."""

    epochs: Epochs = setting((1, 2, 4, 8), "epochs of the levels, cumulative")
    ratio: Ratio = setting("auto", "share of a level's arrivals that is promoted; auto spends alike on every level")
    batch: Count = setting(6, "candidates of a later batch")
    initial: Count = setting(12, "candidates of the first batch")
    candidates: int | None = setting(None, "candidates in all, at most", ge=1, examples=[42])
    schedule: Literal["reproducible", "eager"] = setting("reproducible", "the rule for the order of decisions")
    overlap: Count = setting(
        1,
        "batches in flight at once in the reproducible schedule; more keep more workers busy, and proposals then "
        "know less of the batches just before them. It decides what is searched, the number of workers does not",
    )
    finalists: int = setting(0, "candidates of the top level trained again with other seeds", ge=0)
    promote: Literal["observed", "predicted"] = setting("observed", "what orders the candidates of a level")
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

    name: Literal[PREDICTORS] = setting("auto", "the ranker; auto chooses by cross-validation")  # type: ignore[valid-type]
    pairs: Literal["level", "common", "agree"] = setting("level", "what compares candidates of different levels")
    near_tie: NotNegative = setting(0.0, "pairs of one level closer than this in the metric are left out")
    ensemble: int | None = setting(None, "bootstrap members, None for what suits the predictor", ge=0, examples=[5])
    options: dict[str, Any] = setting({}, "the predictor's own settings")


class ProposeConfig(Section):
    """How later candidates are chosen."""

    exploration: Share = setting(0.1, "share of later candidates drawn at random; 1: no predictor is fitted")
    acquisition: Literal["thompson", "mean", "ucb"] = setting("thompson", "what of a prediction decides")


class BudgetConfig(Section):
    """Limits, None for none."""

    epochs: int | None = setting(None, "training epochs of all candidates", ge=0, examples=[130])
    time: Duration = setting(None, "wall time of the search")
    device_time: DeviceTime = setting(
        None, "busy time of all devices together, such as 2gpuh; in a comparison that of every search"
    )
    disk: Size = setting(None, "size of all checkpoints together, such as 10GB")


class LevelResources(Section):
    """What a job of one level takes where that differs from the others."""

    cpus: float | None = setting(None, "CPU cores", gt=0)
    gpus: float | None = setting(None, "GPUs, or a share of one", ge=0)
    memory: Size = setting(None, "main memory")


class TrackConfig(Section):
    """Where a search is mirrored while it runs."""

    tensorboard: Switch = setting(False, "write TensorBoard files into the run folder")
    mlflow: str | None = setting(None, "a tracking URI of MLflow", min_length=1, examples=["sqlite:///mlflow.db"])


class ExecutorConfig(Section):
    """Where jobs run. No setting here changes a decision of the reproducible schedule."""

    name: Literal["inline", "ray"] = setting("inline", "in this process, or on a Ray cluster")
    address: str = setting(
        "local",
        "local for an own cluster on this machine, auto for the one that runs here, else host:port",
        min_length=1,
        examples=["local", "auto", "10.0.0.1:6379"],
    )
    cpus_per_trial: float = setting(1.0, "CPU cores of a job", gt=0)
    gpus_per_trial: float | None = setting(
        None, "GPUs of a job; None is one where device and cluster allow it", ge=0, examples=[0.25]
    )
    memory_per_trial: Size = setting(None, "main memory of a job")
    per_level: dict[LevelNumber, LevelResources] = setting(
        {}, "what jobs of a level take instead", examples=[{4: {"gpus": 1}}]
    )
    workers: int | None = setting(None, "jobs at once, at most", ge=1, examples=[8])
    deadline: Deadline = setting("auto", "when a running job is cancelled; auto is ten times what is expected")
    speculate: NotNegative = setting(3.0, "a second attempt starts after so many times what is expected, 0: never")
    storage: str | None = setting(
        None,
        "place of checkpoints: a shared folder or fsspec URL; None is the run folder",
        examples=["s3://bucket/runs"],
    )
    ship_code: SwitchOrAuto = setting("auto", "send this package to workers; auto: unless the cluster is local")
