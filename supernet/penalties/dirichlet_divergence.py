"""The divergence of the Dirichlet distributions of a search from the uniform one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.part import Composition, Running
from supernet.penalties.base import Penalty, mixtures
from supernet.relaxations import Dirichlet
from supernet.schedules import Constant, Schedule

PUBLISHED = Constant(1e-3)


@dataclass(frozen=True)
class DirichletDivergence(Penalty):
    """``weight * sum over edges of KL(Dirichlet(c_e) || Dirichlet(1))``, over edges that still mix (DrNAS, Chen et al.,
    ICLR 2021).

    It is 0 where all concentrations are 1, that is where all alphas are 0.
    """

    weight: Schedule = PUBLISHED

    def describe(self) -> str:
        return f"KL to the uniform Dirichlet {self.weight}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if isinstance(method.relaxation, Dirichlet):
            return None
        return f"the divergence of Dirichlet distributions is not defined for {method.relaxation.describe()}"

    def loss(self, search: Running) -> Tensor:
        moment, relaxation = search.moment("alphas"), search.method.relaxation
        assert isinstance(relaxation, Dirichlet)
        total = torch.zeros((), device=search.device)
        for _, alphas, allowed in mixtures(search):
            total = total + divergence(relaxation.concentration(alphas), allowed).sum()
        return self.weight(moment.epoch, moment.epochs) * total


def divergence(concentration: Tensor, allowed: Tensor) -> Tensor:
    """(edges,) nats, at least 0: KL(Dirichlet(c) || Dirichlet(1)) over the allowed entries of every row."""
    # Entries that are not allowed get c = 1, where lgamma(c) and c - 1 are 0, so they add nothing to the sums below.
    c = concentration.masked_fill(~allowed, 1.0)
    total = concentration.masked_fill(~allowed, 0.0).sum(dim=1)
    count = allowed.sum(dim=1).to(c)
    slopes = (c - 1) * (torch.digamma(c) - torch.digamma(total)[:, None])
    return torch.lgamma(total) - torch.lgamma(c).sum(dim=1) - torch.lgamma(count) + slopes.sum(dim=1)
