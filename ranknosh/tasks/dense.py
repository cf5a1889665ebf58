"""A target for every place of an input: segmentation, and pictures to pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.base import BuiltIn, Loss, Metric, Task, signature_of
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.preparation import IGNORED
from ranknosh.tasks.data.targets import TargetKind
from ranknosh.tasks.meters import from_torchmetrics, places
from ranknosh.tasks.regression import Regression

_MOST_CLASSES = 1000


class Segmentation(BuiltIn):
    """Logits (b, classes, ...) for maps of class numbers (b, ...) int64, learned by cross-entropy in nats, the mean over places.

    Args:
        data: its classes, where there are, name those of the map; without, they are 0..K-1 up to the largest in training.
        ignore: a class number that is not learned and not counted, such as 255; -100 is never learned.
        loss: in place of cross-entropy.

    Raises:
        DataError: for targets that are no maps.
        ConfigError: for an ``ignore`` that is no number.
    """

    loss_unit: ClassVar[str] = "nats"
    name: ClassVar[str] = "dense"
    targets: ClassVar[TargetKind] = "maps"

    @classmethod
    def of(cls, data: Data, **settings: Any) -> Task:
        return PictureToPicture(data, **settings) if data.train.targets.is_floating_point() else cls(data, **settings)

    def __init__(self, data: Data, ignore: int | None = None, loss: Loss | None = None) -> None:
        super().__init__(data, loss)
        if ignore is not None and (isinstance(ignore, bool) or not isinstance(ignore, int)):
            raise ConfigError(f"task.ignore is {ignore!r}; give the class number that is not learned, such as 255")
        self.ignore = ignore
        targets = data.train.targets
        if targets.dtype != torch.int64 or not data.train.target_shape:
            raise DataError(
                f"{data.name}: targets are {tuple(targets.shape)} {targets.dtype}; a segmentation needs maps (n, ...) of "
                "class numbers, torch.int64"
            )
        self.count = self._count(targets)
        self.signature = signature_of(data, (self.count, *data.train.target_shape))
        self.metrics = dict(self.known)
        self.rank_by = "iou"

    def _count(self, targets: Tensor) -> int:
        """How many classes there are, judged before anything is sized by it."""
        if self.data.classes:
            return len(self.data.classes)
        learned = targets[targets >= 0] if self.ignore is None else targets[(targets >= 0) & (targets != self.ignore)]
        most = int(learned.max()) + 1 if learned.numel() else 0
        if not 2 <= most <= _MOST_CLASSES:
            raise DataError(
                f"{self.data.name}: the maps hold class numbers up to {most - 1}; they must be 0..K-1 with 2 to {_MOST_CLASSES} "
                "classes (a number that marks places without a class is given as task.ignore, such as 255)"
            )
        return most

    @property
    def known(self) -> Mapping[str, Metric]:
        learned = partial(_learned, ignore=self.ignore)
        iou = from_torchmetrics(
            "classification:MulticlassJaccardIndex",
            targets=learned,
            num_classes=self.count,
            ignore_index=IGNORED,
            average="macro",
            validate_args=False,
        )
        return {
            "iou": Metric("iou", True, "%", iou),
            "accuracy": Metric("accuracy", True, "%", places(targets=learned)),
        }

    def standard_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        wanted = _learned(targets, self.ignore)
        total = F.cross_entropy(outputs, wanted, ignore_index=IGNORED, reduction="sum")
        return total / (wanted != IGNORED).sum().clamp(min=1)  # a batch without a place to learn has loss 0, not NaN


class PictureToPicture(Regression):
    """Outputs (b, ...) of the shape of float maps (b, ...), learned as a regression of every place."""

    name: ClassVar[str] = "dense"
    targets: ClassVar[TargetKind] = "maps"


def _learned(targets: Tensor, ignore: int | None) -> Tensor:
    return targets if ignore is None else targets.masked_fill(targets == ignore, IGNORED)
