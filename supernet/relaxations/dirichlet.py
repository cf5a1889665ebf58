"""Weights drawn from a Dirichlet distribution."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from supernet.mix import Moment
from supernet.relaxations.base import Relaxation, masked_shares

LEAST, MOST = 1e-5, 1e4


@dataclass(frozen=True)
class Dirichlet(Relaxation):
    """``theta ~ Dirichlet(elu(alpha) + 1)``, drawn for every pass (DrNAS, Chen et al., ICLR 2021).

    Gradients are pathwise (implicit reparameterisation). Operations that are not allowed get 0 and the others are
    divided by their sum, which is a sample of the Dirichlet distribution over these alone. Concentrations are kept
    within 1e-5 and 1e4, where sampling is stable. Deviation: mean weights are ``concentration / sum``; the released
    code samples in evaluation, too.
    """

    def describe(self) -> str:
        return "Dirichlet"

    def concentration(self, alphas: Tensor) -> Tensor:
        """Concentrations of the distributions, (edges, operations), above 0."""
        return (functional.elu(alphas) + 1).clamp(LEAST, MOST)

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        return masked_shares(sample_dirichlet(self.concentration(alphas), generator), allowed)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return masked_shares(self.concentration(alphas), allowed)


def sample_dirichlet(concentration: Tensor, generator: torch.Generator) -> Tensor:
    """One sample a row of ``concentration`` (n, k), differentiable, all entries above 0; drawn on the CPU in double
    precision."""
    seed = int(torch.randint(2**62, (), generator=generator))
    # torch's sampler of Dirichlet numbers accepts no generator: it reads the global one, which is seeded here and
    # restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        sample: Tensor = torch.distributions.Dirichlet(concentration.double().cpu(), validate_args=False).rsample()
    return sample.to(concentration).clamp_min(torch.finfo(concentration.dtype).tiny)
