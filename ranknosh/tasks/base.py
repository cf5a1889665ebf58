"""What every task offers: data, what it asks of a network, a loss, and metrics with direction and unit."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from ranknosh.errors import FOREIGN, ConfigError
from ranknosh.spaces.signature import Signature
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.inputs import InputKind
from ranknosh.tasks.data.targets import TargetKind

Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs (b, ...) and targets (b, ...) to their mean loss, a scalar."""


class BatchMeter(Protocol):
    """What a metric is computed by, batch after batch; every metric of torchmetrics is one."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Take a batch in: (b, ...) and (b, ...)."""

    def compute(self) -> Any:
        """The value over all batches, a number or a tensor of one."""


@dataclass(frozen=True)
class Metric:
    """A number that says how good outputs are.

    Args:
        name: what it is called in configs, journals and pages.
        higher: whether larger values are better.
        unit: ``%`` for shares, which are kept as fractions and shown times 100; else as it is written behind the number.
        make: gives a new meter; has to pickle where jobs leave the process.
    """

    name: str
    higher: bool
    unit: str
    make: Callable[[], BatchMeter]


LOSS = "loss"
"""What every task has beside its metrics; lower is better."""


class Task(ABC):
    """What is learned. A task of the user's own is a subclass that sets ``signature``, ``metrics`` and ``rank_by`` in its
    ``__init__`` and defines ``loss``.

    ``inputs`` and ``targets``: how its data are read, where a source could hold several kinds. ``name``: in a config.
    ``metrics``: by name, the one that people read first at the front; without the loss, which every task has. ``rank_by``: what
    orders candidates, a metric or ``loss``. ``settings``: what it was made with, as plain JSON data.
    """

    name: ClassVar[str] = ""
    inputs: ClassVar[InputKind] = "auto"
    targets: ClassVar[TargetKind] = "auto"
    loss_unit: ClassVar[str] = ""
    signature: Signature
    metrics: Mapping[str, Metric]
    rank_by: str
    settings: Mapping[str, Any]

    def __init__(self, data: Data) -> None:
        self.data = data
        self.metrics, self.rank_by = {}, LOSS
        self.settings = {"name": self.name or f"{type(self).__module__}:{type(self).__qualname__}"}

    @classmethod
    def of(cls, data: Data, **settings: Any) -> Task:
        """The task on these data; a class that serves several kinds of targets chooses here."""
        return cls(data, **settings)

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """What is minimised: the mean over a batch, a scalar.

        Args:
            outputs: (b, ...) of a network.
            targets: (b, ...) as the data hold them.
        """

    def evaluation_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss that is reported on validation and test; by default the one that is minimised."""
        return self.loss(outputs, targets)

    def train_step(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of a batch, with its gradients, and the outputs that metrics read.

        Args:
            model: in training mode.
            inputs: (b, ...).
            targets: (b, ...).
        """
        outputs = model(inputs)
        return self.loss(outputs, targets), outputs

    def predictions(self, outputs: Tensor) -> Tensor:
        """What metrics read of outputs (b, ...), in the unit of the targets."""
        return outputs

    def with_data(self, data: Data) -> Self:
        """The same task on other data of the same shapes."""
        other = copy.copy(self)
        other.data = data
        return other

    def direction(self, name: str) -> int:
        """+1 where larger values of a metric are better, -1 where smaller ones are, as of the loss."""
        return 1 if name != LOSS and self.metrics[name].higher else -1

    @property
    def facts(self) -> dict[str, Any]:
        """What a run keeps of its task and data, as plain JSON data."""
        signature = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self.signature).items()
        }
        return {**self.data.facts, "task": dict(self.settings), "signature": signature}

    @property
    def quantities(self) -> dict[str, dict[str, Any]]:
        """Metrics and loss by name, as readers of a run need them (:class:`ranknosh.config.units.Quantity`)."""
        found = {name: {"higher": metric.higher, "unit": metric.unit} for name, metric in self.metrics.items()}
        return {**found, LOSS: {"higher": False, "unit": self.loss_unit}}


class BuiltIn(Task):
    """A task of ours: its loss may be replaced, and its metrics chosen among those it knows and the user's own.

    A loss of the user's own reads what metrics read: outputs in the unit of the targets where ``in_units`` is set.
    """

    in_units: ClassVar[bool] = False

    def __init__(self, data: Data, loss: Loss | None = None) -> None:
        super().__init__(data)
        self.own_loss = loss

    @property
    @abstractmethod
    def known(self) -> Mapping[str, Metric]:
        """Every metric that can be asked for by name."""

    @abstractmethod
    def standard_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss where the user gave none."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        outputs = outputs.float()  # of a pass in bfloat16 too: a loss that is rounded to 8 bits teaches little
        if self.own_loss is None:
            return self.standard_loss(outputs, targets)
        return self.own_loss(self.predictions(outputs) if self.in_units else outputs, targets)


def signature_of(data: Data, outputs: tuple[int, ...]) -> Signature:
    """What networks on these data look like, with these outputs."""
    preparation = data.preparation
    return Signature(data.input_shape, outputs, preparation.dtype, preparation.vocabulary)


def ranked_by(task: Task, metric: str) -> str:
    """The metric, without its ``ema_``, that a setting such as ``ema_loss`` or ``auto`` names. Raises ConfigError."""
    name = task.rank_by if metric == "auto" else metric.removeprefix("ema_")
    if name != LOSS and name not in task.metrics:
        measured = f"the task {task.settings['name']} measures {', '.join([*task.metrics, LOSS])}"
        if metric == "auto":  # then nobody wrote it in a config
            raise ConfigError(
                f"rank_by is {name!r}, and {measured}; set rank_by to one of them, or add it to its metrics"
            )
        raise ConfigError(
            f"train.metric is {metric!r}, and {measured}; write one of them, with ema_ before it for averaged weights, or "
            "add it to task.metrics"
        )
    return name


def first_targets(data: Data, count: int) -> Tensor:
    """The targets of the first training examples, at most ``count``."""
    return next(iter(data.train.read(count)))[1]


def check(task: Task) -> None:
    """Try loss and metrics on made-up outputs for the first training examples, before any network is built.

    Raises:
        ConfigError: the task lacks a part, its loss is no finite scalar with gradients, a metric raises or its direction is
            unknown, or what it ranks by is not measured.
    """
    name = task.settings["name"]
    if not isinstance(getattr(task, "signature", None), Signature):
        raise ConfigError(
            f"the task {name} has no signature; set self.signature = Signature(inputs, outputs) in its __init__"
        )
    for key, metric in task.metrics.items():
        if not isinstance(metric, Metric) or not isinstance(metric.higher, bool):
            raise ConfigError(
                f"the metric {key} of the task {name} does not say its direction; give a ranknosh.tasks.Metric with "
                "higher=True where larger values are better, else higher=False"
            )
    ranked_by(task, "auto")
    targets = first_targets(task.data, 4)
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(len(targets), *task.signature.outputs, generator=generator, requires_grad=True)
    check_loss(
        task, lambda: task.loss(outputs, targets), f"outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)}"
    )
    for key, metric in task.metrics.items():
        try:
            meter = metric.make()
            meter.update(task.predictions(outputs.detach()), targets)
            float(meter.compute())
        except FOREIGN as error:  # a metric of the user's own may raise anything
            raise ConfigError(
                f"the metric {key} of the task {name} raised {type(error).__name__} on outputs {tuple(outputs.shape)} and "
                f"targets {tuple(targets.shape)}: {_line(error)}"
            ) from error


def check_loss(task: Task, compute: Callable[[], Any], given: str) -> None:
    """Judge a loss.

    Args:
        task: whose.
        compute: gives it.
        given: what it was computed of.

    Raises:
        ConfigError: it raised, is no scalar tensor, not finite, or has no gradients.
    """
    name = task.settings["name"]
    rule = "a loss is the mean over a batch, a tensor of one finite number with gradients"
    try:
        loss = compute()
    except FOREIGN as error:  # a loss of the user's own may raise anything
        raise ConfigError(
            f"the loss of the task {name} raised {type(error).__name__} on {given}: {_line(error)}"
        ) from error
    if not isinstance(loss, Tensor) or loss.ndim:
        came = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise ConfigError(f"the loss of the task {name} gave {came} on {given}; {rule}")
    if not bool(torch.isfinite(loss)):
        raise ConfigError(f"the loss of the task {name} is {loss.item()} on {given}; {rule}")
    if not loss.requires_grad:
        raise ConfigError(f"the loss of the task {name} has no gradients on {given}; compute it from the outputs")


def _line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
