"""The sections of a configuration: every setting, its default and the values it may take."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ranknosh.config.fields import (
    PREDICTORS,
    PROXIES,
    SPACES,
    DataName,
    Deadline,
    Device,
    DeviceTime,
    Duration,
    Epochs,
    LevelNumber,
    Ratio,
    RuleBroken,
    Size,
    Switch,
    names_of,
    switch_or_auto,
    text_matching,
)

SOURCES = ("name", "folder", "npz")


class Section(BaseModel):
    """Strict: an unknown key, a text where a number belongs, or a NaN is an error; instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SpaceConfig(Section):
    name: Literal[SPACES] = "nasbench201"  # type: ignore[valid-type]


class NetworkConfig(Section):
    """The size of every network."""

    channels: Annotated[int, Field(ge=1, description="channels of the first stage")] = 8
    cells: Annotated[int, Field(ge=1, description="cells in each of the three stages")] = 1


class DataConfig(Section):
    """Exactly one of ``name``, ``folder`` (image folder or zip) and ``npz``. ``validation`` and ``test`` are
    the shares split off where the set has no such part; the limits keep a seeded stratified part of a split."""

    name: DataName = None
    folder: Annotated[str | None, Field(examples=["path/to/images"])] = None
    npz: Annotated[str | None, Field(examples=["images.npz"])] = None
    root: Annotated[
        str | None, Field(description="where published sets lie, such as cifar10", examples=["~/datasets"])
    ] = None
    download: Switch = False
    resize: Annotated[int | None, Field(ge=4, examples=[32])] = None
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    train_limit: Annotated[int | None, Field(ge=2, examples=[8000])] = None
    validation_limit: Annotated[int | None, Field(ge=2, examples=[2000])] = None
    test_limit: Annotated[int | None, Field(ge=2, examples=[2000])] = None
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            came = f"{' and '.join(given)} are given" if given else "none is given"
            raise RuleBroken(
                ("data",),
                f"exactly one of data.name, data.folder and data.npz says which images to use; {came}. "
                "Write for example name: digits, or give --set data.folder=PATH",
            )
        if self.validation + self.test >= 1:
            raise RuleBroken(
                ("data", "validation"),
                f"data.validation + data.test is {self.validation + self.test:g} and leaves nothing to train on; "
                "write for example 0.2 and 0.2",
            )
        return self


class TrainConfig(Section):
    """Stochastic gradient descent under one cosine; in a search it runs to the last of ``pyramid.epochs`` for every level.

    ``weight_decay`` acts on every parameter, biases and batch-norm scales included (as NAS-Bench-201 does). ``ema``: decay per
    step of averaged weights, 0 for none. ``grad_clip``: bound of the global gradient norm, 0 for none. ``metric``: what
    candidates are ranked by, on the validation split; a loss is negated, ``ema_*`` reads the averaged weights.
    ``divergence_factor``: two epochs in a row with a training loss above this multiple of the first batch's end a training.
    ``lr_per``: the cosine moves once a step, or once an epoch as in the DARTS code. ``drop_path``: the rate that drop path comes
    close to in the last epoch, p * epoch / epochs; 0 for none. ``auxiliary``: weight of the loss of a second head, 0 for none.
    """

    batch: Annotated[int, Field(ge=1)] = 64
    lr: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: Switch = True
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    augment: Literal["none", "crop_flip", "cutout", "crop_flip_cutout"] = "none"
    amp: Annotated[Literal["off", "bf16"], text_matching({False: "off"})] = "off"
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.0
    grad_clip: Annotated[float, Field(ge=0)] = 0.0
    metric: Literal["accuracy", "loss", "ema_accuracy", "ema_loss"] = "accuracy"
    threads: Annotated[int, Field(ge=1)] = 1
    channels_last: Annotated[bool | Literal["auto"], switch_or_auto] = "auto"
    device: Device = "auto"
    divergence_factor: Annotated[float, Field(gt=1)] = 3.0
    lr_per: Literal["step", "epoch"] = "step"
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.0
    auxiliary: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _averages_are_kept(self) -> TrainConfig:
        if self.reads_average and self.ema == 0:
            raise RuleBroken(
                ("train", "metric"),
                f"train.metric is {self.metric}, but no averaged weights are kept; write for example train.ema: 0.99 beside it",
            )
        return self

    @property
    def reads_average(self) -> bool:
        """True where candidates are judged with their averaged weights."""
        return self.metric.startswith("ema_")

    def check_warmup(self, epochs: int, what: str) -> None:
        """Raises RuleBroken where the warm-up does not end within ``epochs``, which ``what`` says the name of."""
        if self.warmup_epochs >= epochs:
            raise RuleBroken(
                ("train", "warmup_epochs"),
                f"train.warmup_epochs is {self.warmup_epochs:g}, not below the {epochs} {what}",
            )


class PyramidConfig(Section):
    """``epochs`` are cumulative; ``ratio`` is the share of a level's arrivals that is trained on to the next level.

    ``overlap``: batches in flight at once in the reproducible schedule. More keep more workers busy; proposals then know
    less of the batches just before them. It decides what is searched, the number of workers does not.
    """

    epochs: Epochs = (1, 2, 4, 8)
    ratio: Ratio = "auto"
    batch: Annotated[int, Field(ge=1)] = 6
    initial: Annotated[int, Field(ge=1)] = 12
    candidates: Annotated[int | None, Field(ge=1, examples=[42])] = None
    schedule: Literal["reproducible", "eager"] = "reproducible"
    overlap: Annotated[int, Field(ge=1)] = 1
    finalists: Annotated[int, Field(ge=0)] = 0
    promote: Literal["observed", "predicted"] = "observed"
    closing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class SeedingConfig(Section):
    """The initial candidates: the best of ``draw`` by train-free proxies, but for ``random_share`` of them.

    ``combine``: how the proxies are made into one order (see ``seeding.standing``). ``follow``: the chance that a later
    candidate which would be drawn at random is the best left of the draw instead, its proxies weighed by the results so far.
    ``options``: settings of single proxies, such as ``{swap_reg: {mu: 800, sigma: 4.0e+5}}``.
    """

    draw: Annotated[int, Field(ge=1)] = 200
    proxies: Annotated[tuple[str, ...], names_of("proxy", PROXIES)] = ("synflow", "nwot")
    combine: Literal["rank_mean", "log_rank_product", "vote"] = "rank_mean"
    random_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    follow: Annotated[float, Field(ge=0, le=1)] = 0.0
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)


class PredictorConfig(Section):
    """``ensemble``: bootstrap members, None for what suits the predictor; ``options`` are the predictor's own settings."""

    name: Literal[PREDICTORS] = "auto"  # type: ignore[valid-type]
    pairs: Literal["level", "common", "agree"] = "level"
    near_tie: Annotated[float, Field(ge=0)] = 0.0
    ensemble: Annotated[int | None, Field(ge=0, examples=[5])] = None
    options: dict[str, Any] = Field(default_factory=dict)


class ProposeConfig(Section):
    exploration: Annotated[float, Field(ge=0, le=1)] = 0.1
    acquisition: Literal["thompson", "mean", "ucb"] = "thompson"


class BudgetConfig(Section):
    """Limits, None for none. ``epochs``: training epochs of all candidates. ``disk``: bytes of all checkpoints."""

    epochs: Annotated[int | None, Field(ge=0, examples=[130])] = None
    time: Duration = None
    device_time: DeviceTime = None
    disk: Size = None


class LevelResources(Section):
    """What a job of one level takes where that differs from the others."""

    cpus: Annotated[float | None, Field(gt=0)] = None
    gpus: Annotated[float | None, Field(ge=0)] = None
    memory: Size = None


class TrackConfig(Section):
    """Where a search is mirrored while it runs. ``mlflow``: a tracking URI."""

    tensorboard: Switch = False
    mlflow: Annotated[str | None, Field(min_length=1, examples=["sqlite:///mlflow.db"])] = None


class ExecutorConfig(Section):
    """Where jobs run. No setting here changes a decision of the reproducible schedule.

    ``address``: ``local`` is a cluster of its own on this machine, ``auto`` the one that runs here, else ``host:port``.
    ``gpus_per_trial``: None is one where the cluster has GPUs and ``train.device`` is not cpu. ``workers``: at most so many jobs
    at once. ``deadline``: when a job that runs is cancelled; ``auto`` is ten times what is expected. ``speculate``: a second
    attempt is started after so many times what is expected, 0 never. ``storage``: where checkpoints go (a folder that every
    node sees, or an fsspec URL); None is the run folder. ``ship_code``: send this package to the workers; ``auto`` does so
    unless the cluster is local.
    """

    name: Literal["inline", "ray"] = "inline"
    address: Annotated[str, Field(min_length=1, examples=["local", "auto", "10.0.0.1:6379"])] = "local"
    cpus_per_trial: Annotated[float, Field(gt=0)] = 1.0
    gpus_per_trial: Annotated[float | None, Field(ge=0, examples=[0.25])] = None
    memory_per_trial: Size = None
    per_level: Annotated[dict[LevelNumber, LevelResources], Field(examples=[{4: {"gpus": 1}}])] = Field(
        default_factory=dict
    )
    workers: Annotated[int | None, Field(ge=1, examples=[8])] = None
    deadline: Deadline = "auto"
    speculate: Annotated[float, Field(ge=0)] = 3.0
    storage: Annotated[str | None, Field(examples=["s3://bucket/runs"])] = None
    ship_code: Annotated[bool | Literal["auto"], switch_or_auto] = "auto"
