"""The base of relaxations: what turns architecture parameters into the weights of operations."""

from __future__ import annotations

import torch
from torch import Tensor

from supernet.mix import Moment
from supernet.part import Part


class Relaxation(Part):
    """Makes the weights ``theta`` (edges, operations) of a pass from parameters ``alpha`` of the same shape, kind by
    kind.

    ``allowed``, (edges, operations) bool, marks the operations an edge still has; weights of the others are exactly 0,
    and a row that allows nothing is all zeros. Rows of decided edges are replaced by constants afterwards, by the
    search.
    """

    def initial(self, edges: int, operations: int, generator: torch.Generator) -> Tensor:
        """Parameters at the start of a search: N(0, 0.001^2), as in DARTS (Liu et al., ICLR 2019, released code).

        Args:
            edges: Edges of the cell.
            operations: Most operations on any edge of the space.
            generator: Source of the draw, on the CPU.

        Returns:
            (edges, operations).
        """
        return 1e-3 * torch.randn(edges, operations, generator=generator)

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        """The weights of one pass; those of :meth:`mean` unless the relaxation is random.

        Args:
            alphas: (edges, operations) parameters of one kind.
            allowed: (edges, operations) bool.
            moment: Epoch, phase and kind of the pass.
            generator: The only source of random numbers, on the CPU.

        Returns:
            theta, (edges, operations).
        """
        return self.mean(alphas, allowed, moment)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        """The weights without any randomness: for evaluation, selection, curvature and plots.

        Args:
            alphas: (edges, operations) parameters of one kind.
            allowed: (edges, operations) bool.
            moment: Epoch and kind.

        Returns:
            theta, (edges, operations).
        """
        raise NotImplementedError

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor | None:
        """Which operations run in this pass.

        Args:
            theta: The weights of the pass, (edges, operations).
            allowed: (edges, operations) bool.
            moment: Epoch, phase and kind of the pass.

        Returns:
            (edges,) int, the one operation of every edge and -1 for none; or (edges, operations) bool; or None where
            all allowed ones run.
        """
        return None

    def scalars(self, theta: Tensor, chosen: Tensor) -> Tensor | None:
        """(edges,) numbers of value 0 that are added to the outputs of a single path for their gradients alone; None
        for nothing."""
        return None


def masked_softmax(logits: Tensor, allowed: Tensor) -> Tensor:
    """Softmax over the allowed operations of each row of ``logits`` (edges, operations); zeros elsewhere, and in rows
    that allow nothing."""
    empty = ~allowed.any(dim=1, keepdim=True)
    # A row of nothing but -inf gives NaN, forward and backward: such rows keep their logits here and are zeroed below.
    theta = torch.softmax(logits.masked_fill(~(allowed | empty), -torch.inf), dim=1)
    return theta.masked_fill(empty, 0.0) if bool(empty.any()) else theta


def masked_shares(values: Tensor, allowed: Tensor) -> Tensor:
    """Non-negative ``values`` (edges, operations) divided by the sum of their row's allowed entries; zeros elsewhere,
    and in rows that allow nothing."""
    values = values.masked_fill(~allowed, 0.0)
    total = values.sum(dim=1, keepdim=True)
    return values / total.masked_fill(total == 0, 1.0)
