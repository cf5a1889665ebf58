"""Uniform noise on the weights of operations (SDARTS-RS)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.streams import torch_seed
from supernet.data import Batch
from supernet.mix import Mix
from supernet.part import Running
from supernet.perturbations.simplex import MovableWeights, Smoothing, mixed_with, movable_weights


@dataclass(frozen=True)
class RandomSmoothing(Smoothing):
    """Every weight step runs with ``theta + U(-radius, radius)``, brought back to the simplex (SDARTS-RS, Chen & Hsieh,
    ICML 2020)."""

    def describe(self) -> str:
        return f"random smoothing {self.radius}"

    def perturb(self, search: Running, mix: Mix, batch: Batch) -> Mix:
        radius = self.radius_now(search)
        if radius == 0:
            return mix
        edges = movable_weights(search, mix)
        noise = uniform_noise(edges, radius, mix.seed)
        return mixed_with(mix, edges, {kind: each.clipped(each.theta + noise[kind]) for kind, each in edges.items()})


def uniform_noise(edges: dict[str, MovableWeights], radius: float, seed: int) -> dict[str, Tensor]:
    """U(-radius, radius) for every weight of every kind.

    Args:
        edges: The weights by kind.
        radius: Bound of the noise.
        seed: Of the draw; equal seeds give equal noise.

    Returns:
        (edges, operations) noise per kind, of the type and device of the weights.
    """
    generator = torch.Generator().manual_seed(torch_seed(seed, "perturbation"))
    return {
        kind: (radius * (2 * torch.rand(each.theta.shape, generator=generator) - 1)).to(each.theta)
        for kind, each in edges.items()
    }
