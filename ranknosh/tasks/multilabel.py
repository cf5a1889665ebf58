"""Several labels for each input, any number of which may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.tasks.base import BuiltIn, Loss, Metric, signature_of
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.targets import TargetKind
from ranknosh.tasks.meters import from_torchmetrics


class Multilabel(BuiltIn):
    """Logits (b, labels) for targets (b, labels) of 0 and 1, learned by binary cross-entropy in nats, the mean over labels.

    Args:
        data: its classes, where there are, name the labels.
        loss: in place of binary cross-entropy; reads logits.

    Raises:
        DataError: for targets of another shape.
    """

    loss_unit: ClassVar[str] = "nats"
    name: ClassVar[str] = "multilabel"
    targets: ClassVar[TargetKind] = "labels"

    def __init__(self, data: Data, loss: Loss | None = None) -> None:
        super().__init__(data, loss)
        if len(data.train.target_shape) != 1 or not data.train.targets.is_floating_point():
            raise DataError(
                f"{data.name}: targets are {tuple(data.train.targets.shape)} {data.train.targets.dtype}; several labels are "
                "(n, labels) torch.float32 of 0 and 1"
            )
        self.signature = signature_of(data, data.train.target_shape)
        self.metrics = {name: self.known[name] for name in ("f1", "accuracy")}
        self.rank_by = "f1"

    @property
    def known(self) -> Mapping[str, Metric]:
        labels: dict[str, Any] = {
            "num_labels": self.data.train.target_shape[0],
            "validate_args": False,
            "targets": whole,
        }

        def metric(name: str, unit: str, made: str, **more: Any) -> Metric:
            return Metric(name, True, unit, from_torchmetrics(f"classification:{made}", **labels, **more))

        return {
            "f1": metric("f1", "%", "MultilabelF1Score", average="macro"),
            "accuracy": metric("accuracy", "%", "MultilabelAccuracy", average="micro"),
            "auroc": metric("auroc", "", "MultilabelAUROC", average="macro", thresholds=200),
        }

    def standard_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs, targets)

    def predictions(self, outputs: Tensor) -> Tensor:
        """Probabilities; torchmetrics would take logits that happen to lie in 0..1 for such."""
        return outputs.sigmoid()


def whole(targets: Tensor) -> Tensor:
    """0 and 1 as integers."""
    return targets.to(torch.int64)
