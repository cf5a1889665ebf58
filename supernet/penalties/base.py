"""What a penalty gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from supernet.part import Part

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class Penalty(Part):
    """A term added to the loss of the architecture step.

    ``loss(search)``: a tensor of no shape that depends on ``search.alphas``; lower is better.
    """

    def loss(self, search: SupernetSearch) -> Tensor:
        raise NotImplementedError


def mixtures(search: SupernetSearch) -> Iterator[tuple[str, Tensor, Tensor]]:
    """For every kind of cell: its name, the alphas of the edges that still mix, and which operations these allow.

    Both (edges that mix, operations); kinds without such edges are left out.
    """
    for kind, alphas in search.alphas.items():
        edges = torch.tensor(search.states.undecided(kind), dtype=torch.long)
        if len(edges):
            yield kind, alphas[edges.to(alphas.device)], search.states.allowed[kind][edges].to(alphas.device)


def mean_weights(search: SupernetSearch) -> Iterator[tuple[Tensor, Tensor]]:
    """For every kind of cell: the mean weights of the edges that still mix, and which operations these allow."""
    for kind, alphas, allowed in mixtures(search):
        yield search.method.relaxation.mean(alphas, allowed, search.moment("alphas").of(kind)), allowed
