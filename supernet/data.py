"""The examples of a search: parts of a training set, in batches that are a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import torch
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.streams import torch_seed

Batch = tuple[Tensor, Tensor]
"""Inputs (n, ...) and targets (n, ...), on the device of the supernet."""
DataPart = Literal["weights", "alphas", "all"]
"""The half that weights are trained on, the half that alphas are trained on, and both."""


class SearchData(Protocol):
    """Examples of a search. The same arguments give the same batches, so that a search can be resumed at any epoch."""

    input_shape: tuple[int, ...]
    """Of one input, such as (C, H, W)."""

    def count(self, part: DataPart) -> int:
        """How many examples a part holds."""
        ...

    def batches(
        self,
        part: DataPart,
        *,
        batch: int,
        epoch: int,
        seed: int,
        augment: str,
        device: torch.device,
        channels_last: bool,
    ) -> Iterator[Batch]:
        """One pass over a part, in the order of (seed, epoch).

        Args:
            part: Which examples.
            batch: Examples of a batch; the last one may be smaller and is left out where it has a single example.
            epoch: Number of the epoch, from 0; any number is allowed.
            seed: Of the search.
            augment: Name of the augmentation, as in :class:`supernet.method.SupernetRecipe`.
            device: Where the batches are needed.
            channels_last: Memory layout of inputs (n, c, h, w).

        Returns:
            Inputs (n, ...), float or the int64 of tokens, and targets (n, ...).
        """
        ...


class TensorData:
    """Examples in memory, cut into two halves by :func:`halves`.

    Args:
        inputs: (n, ...), augmented and prepared already; ``augment`` other than ``none`` is refused with DataError.
        targets: (n, ...).
        seed: Of the cut into halves.

    Raises:
        DataError: Inputs and targets are of different numbers.
    """

    def __init__(self, inputs: Tensor, targets: Tensor, *, seed: int = 0) -> None:
        if inputs.ndim < 2 or targets.shape[:1] != inputs.shape[:1]:
            raise DataError(
                f"inputs are {tuple(inputs.shape)} and targets {tuple(targets.shape)}; give (n, ...) of each, one target an "
                "input"
            )
        self.inputs, self.targets = inputs, targets
        self.input_shape = tuple(inputs.shape[1:])
        self.parts = parts_of(targets, seed)

    def count(self, part: DataPart) -> int:
        return len(self.parts[part])

    def batches(
        self,
        part: DataPart,
        *,
        batch: int,
        epoch: int,
        seed: int,
        augment: str,
        device: torch.device,
        channels_last: bool,
    ) -> Iterator[Batch]:
        if augment != "none":
            raise DataError(f"tensors cannot be augmented ({augment}); set the recipe's augment to none")
        layout = torch.channels_last if channels_last and self.inputs.ndim == 4 else torch.contiguous_format
        for chosen in epoch_order(self.parts[part], part, batch, epoch, seed).split(batch):
            inputs = self.inputs[chosen].to(device).contiguous(memory_format=layout)
            yield inputs, self.targets[chosen].to(device)


def parts_of(targets: Tensor, seed: int) -> dict[str, Tensor]:
    """The indices (n,) of every part of a training set with these targets (n, ...), cut by a seed."""
    first, second = halves(targets, seed)
    return {"weights": first, "alphas": second, "all": torch.arange(len(targets))}


def halves(targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Two index tensors that hold every example once, by a permutation of ``seed``.

    Where targets are one number an example (a class, a value), each class, or each stretch of values, is divided evenly between
    the halves.

    Args:
        targets: (n, ...).
        seed: Of the permutation.
    """
    generator = torch.Generator().manual_seed(torch_seed(seed, "halves", 0))
    order = torch.randperm(len(targets), generator=generator)
    if targets.ndim == 1:
        # Sorted by target, in random order within: every second one is an even share of each class.
        order = order[torch.argsort(targets[order], stable=True)]
    return order[::2].sort().values, order[1::2].sort().values


def epoch_order(indices: Tensor, part: DataPart, batch: int, epoch: int, seed: int) -> Tensor:
    """The order of the examples in an epoch; a last batch of one example, which has no variance for batch norms, is cut
    off.

    Args:
        indices: (n,) the examples of the part.
        part: Name of the part; parts have orders of their own.
        batch: Examples of a batch.
        epoch: Number of the epoch, from 0.
        seed: Of the search.

    Returns:
        ``indices`` permuted, (n,) or (n - 1,).
    """
    generator = torch.Generator().manual_seed(torch_seed(seed, f"order-{part}", epoch))
    order = indices[torch.randperm(len(indices), generator=generator)]
    # A cut instead of a larger last batch, so that every batch has at most ``batch`` examples.
    return order[:-1] if len(order) % batch == 1 and len(order) > 1 else order
