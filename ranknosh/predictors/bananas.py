"""BANANAS: mutants of the best, chosen by an ensemble of deep networks, as a function of what is known."""

import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from ranknosh.predictors.base import Encodings, Floats
from ranknosh.predictors.own_proposer import Result
from ranknosh.predictors.rivals import PARENTS, mutants
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import torch_seed

INITIAL = 10
"""Random architectures before the first network learns."""
_MEMBERS, _LAYERS, _WIDTH = 5, 10, 20
_STEPS, _RATE, _MOMENTA = 200, 0.01, (0.9, 0.99)


def bananas(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
    """Of mutants of the 10 best, 10 of each, the one with the best draw: independent Thompson sampling.

    A draw is normal, with mean and deviation of what five networks predict. Each has 10 layers of 20 and learns errors by their
    relative deviation (:func:`errors`), in 200 steps of Adam. Source: White et al., BANANAS, AAAI 2021, algorithm 1.
    Deviations: networks learn anew before every architecture instead of every 10; they see the features of the space, of which
    paths are a part, instead of paths alone, and everything known at every step; nothing is trained twice.
    """
    if len(results) < INITIAL:
        return space.sample(rng)
    best = sorted(results, key=lambda result: -result.metric)[:PARENTS]
    candidates = mutants(space, [result.architecture for result in best], results, rng)
    if not candidates:
        return space.sample(rng)
    predicted = _learned(space, tuple(results)).errors(Encodings(space, candidates))
    return candidates[int(np.argmin(rng.normal(predicted.mean(axis=0), predicted.std(axis=0))))]


def errors(metrics: Floats) -> Floats:
    """(n,) how far metrics lie below a bound, which lies one of their standard deviations above the best; in these deviations.

    The paper takes validation errors above a bound that it knows of its benchmark; metrics here have any unit.
    """
    deviation = float(metrics.std())
    return 1.0 + (metrics.max() - metrics) / deviation if deviation > 0 else np.ones(len(metrics))


@dataclass(frozen=True)
class Ensemble:
    """Members side by side, their layers as (members, inputs, outputs) and (members, 1, outputs)."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]

    @classmethod
    def drawn(cls, inputs: int, seed: int) -> Self:
        """With Glorot's uniform weights."""
        sizes = [inputs, *[_WIDTH] * _LAYERS, 1]
        shapes = list(itertools.pairwise(sizes))
        generator = torch.Generator().manual_seed(seed)
        bounds = [(6.0 / (before + after)) ** 0.5 for before, after in shapes]
        weights = [
            bound * (2 * torch.rand(_MEMBERS, *shape, generator=generator) - 1)
            for shape, bound in zip(shapes, bounds, strict=True)
        ]
        biases = [torch.zeros(_MEMBERS, 1, after) for _, after in shapes]
        return cls(*(tuple(nn.Parameter(each) for each in kind) for kind in (weights, biases)))

    def __call__(self, rows: Tensor) -> Tensor:
        """(members, n) of rows (n, inputs)."""
        hidden = rows.expand(_MEMBERS, *rows.shape)
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.baddbmm(bias, hidden, weight)
            hidden = torch.relu(hidden) if number < _LAYERS else hidden
        return hidden.squeeze(2)

    def learn(self, rows: Tensor, wanted: Tensor) -> None:
        """Towards ``wanted`` (n,), by the mean of \\|predicted / wanted - 1\\|."""
        optimizer = torch.optim.Adam([*self.weights, *self.biases], lr=_RATE, betas=_MOMENTA)
        for _ in range(_STEPS):
            loss = (self(rows) / wanted - 1).abs().mean(dim=1).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def errors(self, encodings: Encodings) -> Floats:
        """(members, n) predictions, lower is better."""
        with torch.no_grad():
            return self(torch.from_numpy(encodings.features)).double().numpy()


@lru_cache(maxsize=1)
def _learned(space: Space, results: tuple[Result, ...]) -> Ensemble:
    """What the results teach, and they alone: one that is asked again about the same results is not taught again."""
    metrics = np.array([result.metric for result in results])
    encodings = Encodings(space, [result.architecture for result in results])
    seed = torch_seed(zlib.crc32(metrics.tobytes()), "bananas weights")
    ensemble = Ensemble.drawn(encodings.features.shape[1], seed)
    ensemble.learn(torch.from_numpy(encodings.features), torch.from_numpy(errors(metrics).astype(np.float32)))
    return ensemble
