"""What a relaxation gives."""

from __future__ import annotations

import torch
from torch import Tensor

from supernet.mix import Moment
from supernet.part import Part


class Relaxation(Part):
    """Makes the weights ``theta`` (edges, operations) of a pass out of parameters ``alpha`` of the same shape.

    ``allowed``: (edges, operations) bool; weights of what is not allowed are exactly 0. A row without any allowed operation
    is all zeros. Rows of decided edges are replaced by constants afterwards.
    """

    def initial(self, edges: int, operations: int, generator: torch.Generator) -> Tensor:
        """Parameters to begin with: N(0, 0.001^2), as in DARTS (Liu et al., ICLR 2019, released code)."""
        return 1e-3 * torch.randn(edges, operations, generator=generator)

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        """The weights of a pass in ``moment.phase``; random ones are drawn from ``generator`` (on the CPU) alone."""
        return self.mean(alphas, allowed, moment)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        """The weights without any randomness: for evaluation, selection, curvature and plots."""
        raise NotImplementedError

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor | None:
        """What runs in this pass: (edges,) the one operation of every edge, -1 for none; or (edges, operations) bool, which of
        them; None where all allowed ones run."""
        return None

    def scalars(self, theta: Tensor, chosen: Tensor) -> Tensor | None:
        """(edges,) of value 0, added to the outputs of a single path for the sake of their gradients; None for nothing."""
        return None


def masked_softmax(logits: Tensor, allowed: Tensor) -> Tensor:
    """Softmax over the allowed operations of each row; zeros elsewhere, and in rows that allow nothing."""
    empty = ~allowed.any(dim=1, keepdim=True)
    theta = torch.softmax(logits.masked_fill(~(allowed | empty), -torch.inf), dim=1)
    return theta.masked_fill(empty, 0.0) if bool(empty.any()) else theta


def masked_shares(values: Tensor, allowed: Tensor) -> Tensor:
    """Non-negative ``values`` over the sums of their rows' allowed entries; zeros elsewhere, and in rows that allow nothing."""
    values = values.masked_fill(~allowed, 0.0)
    total = values.sum(dim=1, keepdim=True)
    return values / total.masked_fill(total == 0, 1.0)
