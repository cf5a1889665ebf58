"""A feature: what enters or leaves a block, as channels at positions, and how its variance is spread over the channels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from zerocost.errors import Undefined

# In the logarithm, as published.
_EPSILON = 1e-8
# A constant keeps rounding errors of its mean, of this size at most relative to itself: those are no variance.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Feature:
    """``tensor`` without graph, dimension 0 the batch and dimension ``channel`` the channels; ``name`` for messages."""

    name: str
    tensor: torch.Tensor
    channel: int

    @property
    def channels_last(self) -> torch.Tensor:
        """(N, positions..., C)."""
        return self.tensor.movedim(self.channel, -1)

    @cached_property
    def entropy(self) -> float:
        """``-sum_c p_c log(p_c + 1e-8)``, p the eigenvalues of the covariance of the channels over samples and positions, each
        divided by their sum: 0 where all variance has one direction, log C where all directions have the same.

        In float64. Raises Undefined where the feature is constant or not finite.
        """
        rows = self.channels_last.flatten(0, -2).double()
        if not bool(torch.isfinite(rows).all()):
            raise Undefined(f"{self.name} holds NaN or infinity")
        if len(rows) == 1:
            raise Undefined(f"{self.name} has a single position of a single sample: its channels have no variance")
        centred = rows - rows.mean(dim=0)
        if bool(torch.linalg.vector_norm(centred) <= _ROUNDING * torch.linalg.vector_norm(rows)):
            raise Undefined(f"{self.name} is constant: its channels have no variance (published: minus infinity)")
        # Either product has the eigenvalues of the other that are not 0.
        few = len(centred) < centred.shape[1]
        eigenvalues = torch.linalg.eigvalsh(centred @ centred.T if few else centred.T @ centred).clamp(min=0.0)
        shares = eigenvalues / eigenvalues.sum()
        return -float((shares * (shares + _EPSILON).log()).sum())
