"""The base of penalties, and the mixtures they are computed on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class Penalty(Part):
    """A term added to the loss of the architecture step."""

    def loss(self, search: SupernetSearch) -> Tensor:
        """A scalar tensor that depends on ``search.alphas``; lower is better."""
        raise NotImplementedError


def mixtures(search: SupernetSearch) -> Iterator[tuple[str, Tensor, Tensor]]:
    """For every kind of cell: its name, the alphas of the edges that still mix, and which operations these allow.

    Both tensors are (edges that mix, operations); kinds without such edges are left out.
    """
    for kind, alphas in search.alphas.items():
        edges = torch.tensor(search.states.undecided(kind), dtype=torch.long)
        if len(edges):
            yield kind, alphas[edges.to(alphas.device)], search.states.allowed[kind][edges].to(alphas.device)


def mean_weights(search: SupernetSearch) -> Iterator[tuple[Tensor, Tensor]]:
    """For every kind of cell: the mean weights of the edges that still mix, and which operations these allow."""
    for kind, alphas, allowed in mixtures(search):
        yield search.method.relaxation.mean(alphas, allowed, search.moment("alphas").of(kind)), allowed
