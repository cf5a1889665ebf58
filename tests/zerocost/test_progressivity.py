"""progressivity: by hand, against the entropies of numpy, its invariants, and where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

import zerocost


class Block(nn.Module):
    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function, self.unused = function, nn.Linear(1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class Given(nn.Module):
    """Inputs of whole numbers are those that nobody draws anew; here they become numbers with a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.one


def chain(*functions: Callable[[torch.Tensor], torch.Tensor]) -> nn.Sequential:
    return nn.Sequential(Given(), *map(Block, functions))


def progressivity(module: nn.Module, inputs: torch.Tensor, seed: int = 0) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies="progressivity", seed=seed)["progressivity"]


def value(module: nn.Module, inputs: torch.Tensor, seed: int = 0) -> float:
    score = progressivity(module, inputs, seed)
    assert score.value is not None, score.reason
    return score.value


CROSS = torch.tensor([[3, 0], [-3, 0], [0, 1], [0, -1]])
UNEVEN = -0.9 * math.log(0.9 + 1e-8) - 0.1 * math.log(0.1 + 1e-8)
EVEN = -math.log(0.5 + 1e-8)
LEVEL = torch.tensor([1.0, 3.0])


def test_the_smallest_gain_by_hand() -> None:
    more, less = (lambda x: x * LEVEL), (lambda x: x / LEVEL)
    assert value(chain(more, less), CROSS) == pytest.approx(UNEVEN - EVEN, rel=1e-12)
    assert value(chain(less, more), CROSS * LEVEL.long()) == pytest.approx(UNEVEN - EVEN, rel=1e-12)
    # A single channel is left, which holds all of the variance.
    assert value(chain(more, lambda x: x[:, :1]), CROSS) == pytest.approx(-math.log(1 + 1e-8) - EVEN, rel=1e-12)


def test_a_network_that_only_gains() -> None:
    half = torch.tensor([1.0, math.sqrt(3.0)])
    middle = -0.75 * math.log(0.75 + 1e-8) - 0.25 * math.log(0.25 + 1e-8)
    assert value(chain(lambda x: x * half, lambda x: x * half), CROSS) == pytest.approx(
        min(middle - UNEVEN, EVEN - middle), rel=1e-6
    )


def test_agrees_with_the_definition_in_numpy() -> None:
    net, batch = (
        nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)),
        torch.randn(12, 4),
    )
    generator = torch.Generator().manual_seed(0)
    shapes = ((6, 4), (5, 6), (3, 5))
    weights = [torch.randn(*s, generator=generator).double().numpy() * math.sqrt(2 / s[1]) for s in shapes]
    features = [torch.randn(12, 4, generator=generator).double().numpy()]
    for depth, weight in enumerate(weights):
        given = np.maximum(features[-1], 0) if depth else features[-1]
        features.append(given @ weight.T)
    entropies = []
    for feature in features:
        shares = np.linalg.svd(feature - feature.mean(0), compute_uv=False) ** 2
        shares = shares / shares.sum()
        entropies.append(-(shares * np.log(shares + 1e-8)).sum())
    assert value(net, batch) == pytest.approx(np.diff(entropies).min(), rel=1e-5)


def test_rotations_scales_and_the_order_of_samples_change_nothing() -> None:
    batch = torch.randint(-9, 9, (30, 4))
    turn = torch.linalg.qr(torch.randn(4, 4)).Q
    net = (lambda x: x.relu(), lambda x: x**3)
    assert value(chain(net[0], lambda x: net[1](x) @ turn * 9), batch) == pytest.approx(
        value(chain(*net), batch), rel=1e-4
    )
    assert value(chain(*net), batch.flip(0)) == pytest.approx(value(chain(*net), batch), rel=1e-4)
    assert value(chain(lambda x: x @ turn, lambda x: x * 2), batch) == pytest.approx(0.0, abs=1e-6)


def test_weights_and_data_change_nothing_and_the_seed_does() -> None:
    def net() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5))

    batch = torch.randn(12, 4)
    assert value(net(), batch) == value(net(), torch.rand(12, 4))
    assert value(net(), batch) != value(net(), batch, seed=1)


def test_fewer_than_two_features_are_a_reason() -> None:
    assert "it needs 2 or more features" in str(progressivity(nn.ReLU(), CROSS.float()).reason)
    # What enters the embedding are whole numbers: only its output is a feature.
    words = torch.tensor([[1], [2], [3]])
    assert "depends on 1" in str(progressivity(nn.Embedding(5, 3), words).reason)
    assert zerocost.score(nn.Embedding(5, 3), words, proxies="expressivity")["expressivity"].value is not None


def test_constant_and_not_finite_features_are_reasons() -> None:
    assert "what leaves block 1 is constant" in str(progressivity(chain(torch.ones_like, lambda x: x), CROSS).reason)
    assert "NaN or infinity" in str(progressivity(chain(lambda x: x.log(), lambda x: x), CROSS).reason)
