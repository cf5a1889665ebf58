"""Learning numbers: one, several, or whole maps of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.tasks.base import BuiltIn, Loss, Metric, first_targets, signature_of
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.preparation import Numbers
from ranknosh.tasks.data.targets import TargetKind
from ranknosh.tasks.meters import from_torchmetrics

_JUDGED = 4096  # training targets that the scale of a user's own loss is told by


class Regression(BuiltIn):
    """Outputs of the targets' shape, learned by the mean squared error of standardised targets.

    Targets are standardised by the mean and deviation of the training targets inside the loss, so that learning rates mean the
    same whatever the unit; metrics are in the unit of the targets. A target (n,) is one number, and its output (b, 1).

    Args:
        data: with float targets (n,) or (n, ...).
        loss: in place of the squared error; reads outputs in the unit and shape of the targets, and these. It is divided by what
            always saying the mean costs, so that learning rates keep their meaning with it, too.

    Raises:
        DataError: for targets that are no floats.
    """

    name: ClassVar[str] = "regression"
    targets: ClassVar[TargetKind] = "numbers"
    in_units: ClassVar[bool] = True

    def __init__(self, data: Data, loss: Loss | None = None) -> None:
        super().__init__(data, loss)
        targets = data.train.targets
        if not targets.is_floating_point():
            raise DataError(
                f"{data.name}: targets are {tuple(targets.shape)} {targets.dtype}; a regression needs torch.float32"
            )
        self.signature = signature_of(data, data.train.target_shape or (1,))
        scale = Numbers.of(_rows(targets))
        self.mean, self.std = scale.mean, scale.std
        self.metrics = dict(self.known)
        self.rank_by = "rmse"

    @property
    def known(self) -> Mapping[str, Metric]:
        flat = {"outputs": _flat, "targets": _flat}
        return {
            "rmse": Metric("rmse", False, "", from_torchmetrics("regression:MeanSquaredError", squared=False, **flat)),
            "mae": Metric("mae", False, "", from_torchmetrics("regression:MeanAbsoluteError", **flat)),
            "r2": Metric("r2", True, "", from_torchmetrics("regression:R2Score", outputs=_columns, targets=_columns)),
        }

    def standard_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        mean, std = self.mean.to(outputs.device), self.std.to(outputs.device)
        return F.mse_loss(outputs, (_rows(targets) - mean) / std)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if outputs.shape != _rows(targets).shape:  # torch would stretch one to the other
            raise DataError(
                f"outputs are {tuple(outputs.shape)} and targets {tuple(targets.shape)}; they must have one shape"
            )
        loss = super().loss(outputs, targets)
        if self.own_loss is None or not isinstance(loss, Tensor):  # what it may not be is said elsewhere
            return loss
        return loss / self._cost_of_the_mean

    @cached_property
    def _cost_of_the_mean(self) -> float:
        """The user's own loss of always saying the mean of the training targets; 1 where that is no positive number."""
        targets = first_targets(self.data, _JUDGED)
        cost = super().loss(torch.zeros_like(_rows(targets)), targets)
        found = float(cost) if isinstance(cost, Tensor) and not cost.ndim else 1.0
        return found if 0 < found < float("inf") else 1.0

    def predictions(self, outputs: Tensor) -> Tensor:
        """Outputs in the unit and shape of the targets: (b,) where each is one number."""
        found = outputs * self.std.to(outputs.device) + self.mean.to(outputs.device)
        return found if self.data.train.target_shape else found[:, 0]


def _rows(targets: Tensor) -> Tensor:
    """(n,) as (n, 1)."""
    return targets[:, None] if targets.ndim == 1 else targets


def _flat(values: Tensor) -> Tensor:
    return values.flatten()


def _columns(values: Tensor) -> Tensor:
    """(n, numbers)."""
    return values.reshape(len(values), -1)
