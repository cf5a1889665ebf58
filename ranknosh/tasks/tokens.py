"""A token for every place of a sequence: predicting the next one, or tagging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.tasks.base import BuiltIn, Loss, Metric, Task, signature_of
from ranknosh.tasks.classification import Classification
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.inputs import InputKind
from ranknosh.tasks.data.preparation import IGNORED
from ranknosh.tasks.meters import from_torchmetrics, places


class NextToken(BuiltIn):
    """Logits (b, length, vocabulary) for tokens (b, length) int64, learned by cross-entropy in nats, the mean over places.

    Targets are the inputs one place on, or other tokens of the same vocabulary; -100 is not learned.

    Args:
        data: of tokens. Where targets are one class an example, the task is their classification.
        loss: in place of cross-entropy.

    Raises:
        DataError: for inputs or targets that are no tokens.
    """

    loss_unit: ClassVar[str] = "nats"
    name: ClassVar[str] = "tokens"
    inputs: ClassVar[InputKind] = "tokens"

    @classmethod
    def of(cls, data: Data, **settings: Any) -> Task:
        return cls(data, **settings) if data.train.target_shape else SequenceClassification(data, **settings)

    def __init__(self, data: Data, loss: Loss | None = None) -> None:
        super().__init__(data, loss)
        vocabulary, targets = data.preparation.vocabulary, data.train.targets
        if vocabulary is None or targets.dtype != torch.int64 or data.train.target_shape != data.train.input_shape:
            remedy = "give targets of that shape, the tokens one place on, or a class for each sequence"
            if vocabulary is None:
                kind = data.preparation.kind
                remedy = f"the inputs are read as {kind}: leave out the task tokens, or give integers from 0 on"
            raise DataError(
                f"{data.name}: inputs are {tuple(data.train.inputs.shape)} {data.train.inputs.dtype} and targets "
                f"{tuple(targets.shape)} {targets.dtype}; predicting tokens needs both (n, length) torch.int64; {remedy}"
            )
        most = max(vocabulary, *(int(part.targets.max()) + 1 for part in (data.train, data.validation) if len(part)))
        self.signature = signature_of(data, (*data.train.target_shape, most))
        self.metrics = dict(self.known)
        self.rank_by = "perplexity"

    @property
    def known(self) -> Mapping[str, Metric]:
        return {
            "perplexity": Metric("perplexity", False, "", from_torchmetrics("text:Perplexity", ignore_index=IGNORED)),
            "accuracy": Metric("accuracy", True, "%", places(_one_by_one, _flat)),
        }

    def standard_loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        total = F.cross_entropy(outputs.flatten(0, -2), targets.flatten(), ignore_index=IGNORED, reduction="sum")
        return total / (targets != IGNORED).sum().clamp(min=1)


class SequenceClassification(Classification):
    """One class for a sequence of tokens."""

    name: ClassVar[str] = "tokens"
    inputs: ClassVar[InputKind] = "tokens"


def _one_by_one(outputs: Tensor) -> Tensor:
    """(places, vocabulary) of logits (b, length, vocabulary)."""
    return outputs.flatten(0, -2)


def _flat(targets: Tensor) -> Tensor:
    return targets.flatten()
