"""Features: what enters or leaves a block, and how its variance is distributed over the channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from zerocost.errors import Undefined

# Added inside of the logarithm, as published.
_EPSILON = 1e-8
# Subtracting its mean from a constant leaves rounding errors of at most this relative size: those are no variance.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Feature:
    """What enters or leaves a block.

    Attributes:
        name: A description for messages.
        tensor: The values, without graph; dimension 0 is the batch.
        channel: The dimension of the channels.
    """

    name: str
    tensor: torch.Tensor
    channel: int

    @property
    def channels_last(self) -> torch.Tensor:
        """The tensor as (N, positions..., C)."""
        return self.tensor.movedim(self.channel, -1)

    @cached_property
    def entropy(self) -> float:
        """``-sum_c p_c log(p_c + 1e-8)`` (nats), p the eigenvalues of the covariance of the channels over samples and
        positions, divided by their sum.

        It is 0 where all variance has one direction and log C where it is the same in all directions. Computed in
        float64.

        Raises:
            Undefined: The feature is constant, not finite, or a single position of a single sample.
        """
        rows = self.channels_last.flatten(0, -2).double()
        if not bool(torch.isfinite(rows).all()):
            raise Undefined(f"{self.name} holds NaN or infinity")
        if len(rows) == 1:
            raise Undefined(f"{self.name} has a single position of a single sample: its channels have no variance")
        centred = rows - rows.mean(dim=0)
        if bool(torch.linalg.vector_norm(centred) <= _ROUNDING * torch.linalg.vector_norm(rows)):
            raise Undefined(f"{self.name} is constant: its channels have no variance (published: minus infinity)")
        # Both products have the same non-zero eigenvalues: the smaller matrix is solved.
        few = len(centred) < centred.shape[1]
        eigenvalues = torch.linalg.eigvalsh(centred @ centred.T if few else centred.T @ centred).clamp(min=0.0)
        shares = eigenvalues / eigenvalues.sum()
        return -float((shares * (shares + _EPSILON).log()).sum())
