"""Telling classes apart: one class for each input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.base import BuiltIn, Loss, Metric, signature_of
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.targets import TargetKind
from ranknosh.tasks.meters import ArgmaxAccuracy, from_torchmetrics


class Classification(BuiltIn):
    """Logits (b, classes) for targets (b,) int64, learned by cross-entropy in nats.

    Args:
        data: with classes.
        label_smoothing: share of the target spread over all classes while it is learned (Szegedy et al., CVPR 2016, section 7);
            what is reported is without it.
        loss: in place of cross-entropy.

    Raises:
        ConfigError: for a share outside of 0..1.
        DataError: for targets that are no classes.
    """

    loss_unit: ClassVar[str] = "nats"
    name: ClassVar[str] = "classification"
    targets: ClassVar[TargetKind] = "classes"

    def __init__(self, data: Data, label_smoothing: float = 0.0, loss: Loss | None = None) -> None:
        super().__init__(data, loss)
        if not 0 <= label_smoothing < 1:
            raise ConfigError(
                f"task.label_smoothing is {label_smoothing}; it must be a share from 0 to below 1, such as 0.1"
            )
        self.label_smoothing = label_smoothing
        self.signature = signature_of(data, (len(_classes(data)),))
        self.metrics = {"accuracy": self.known["accuracy"]}
        self.rank_by = "accuracy"

    @property
    def known(self) -> Mapping[str, Metric]:
        count = len(_classes(self.data))
        macro: dict[str, Any] = {"num_classes": count, "average": "macro", "validate_args": False}
        return {
            "accuracy": Metric("accuracy", True, "%", ArgmaxAccuracy),
            "f1": Metric("f1", True, "%", from_torchmetrics("classification:MulticlassF1Score", **macro)),
            "auroc": Metric(
                "auroc",
                True,
                "",
                from_torchmetrics("classification:MulticlassAUROC", outputs=shares, thresholds=200, **macro),
            ),
        }

    def standard_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return mean_cross_entropy(outputs, targets, self.label_smoothing)

    def evaluation_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.loss(outputs, targets) if self.own_loss is not None else mean_cross_entropy(outputs, targets)


def _classes(data: Data) -> tuple[str, ...]:
    targets = data.train.targets
    if data.train.target_shape or targets.dtype != torch.int64:
        raise DataError(
            f"{data.name}: targets are {tuple(targets.shape)} {targets.dtype}; a classification needs one class number an "
            "example, (n,) torch.int64"
        )
    if data.classes:
        return data.classes
    return tuple(str(label) for label in range(int(targets.max()) + 1))


def mean_cross_entropy(outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of logits (b, classes) and class numbers (b,). The sum divided: a mean by torch differs from it in the last bit."""
    return F.cross_entropy(outputs, targets, label_smoothing=smoothing, reduction="sum") / len(targets)


def shares(outputs: Tensor) -> Tensor:
    """Softmax over axis 1."""
    return outputs.softmax(1)
