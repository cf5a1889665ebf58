"""The base of penalties, and the mixtures they are computed on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from supernet.part import Part, Running
from supernet.relaxations.base import Relaxation


class Penalty(Part):
    """A term added to the loss of the architecture step."""

    def loss(self, search: Running) -> Tensor:
        """A scalar tensor that depends on ``search.alphas``; lower is better."""
        raise NotImplementedError


def mixtures(search: Running) -> Iterator[tuple[str, Tensor, Tensor]]:
    """For every kind of cell: its name, the alphas of the edges that still mix, and which operations these allow.

    Both tensors are (edges that mix, operations); kinds without such edges are left out.
    """
    for kind, alphas in search.alphas.items():
        edges = torch.tensor(search.states.undecided(kind), dtype=torch.long)
        if len(edges):
            yield kind, alphas[edges.to(alphas.device)], search.states.allowed[kind][edges].to(alphas.device)


def mean_weights(search: Running) -> Iterator[tuple[Tensor, Tensor]]:
    """For every kind of cell: the mean weights of the edges that still mix, and which operations these allow."""
    relaxation = search.method.relaxation
    assert isinstance(relaxation, Relaxation)
    for kind, alphas, allowed in mixtures(search):
        yield relaxation.mean(alphas, allowed, search.moment("alphas").of(kind)), allowed
