"""trainability: by hand, against singular values in numpy, its invariants, and where there is none."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zerocost


class Block(nn.Module):
    """A block whose function is given; ``unused`` makes it one and says where its channels are."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], unused: nn.Module) -> None:
        super().__init__()
        self.function, self.unused = function, unused

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def chain(*functions: Callable[[torch.Tensor], torch.Tensor], images: bool = False) -> nn.Sequential:
    return nn.Sequential(*[Block(f, nn.Conv2d(1, 1, 1) if images else nn.Linear(1, 1)) for f in functions])


def trainability(module: nn.Module, *inputs: torch.Tensor, seed: int = 0) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies="trainability", seed=seed)["trainability"]


def value(module: nn.Module, *inputs: torch.Tensor, seed: int = 0) -> float:
    score = trainability(module, *inputs, seed=seed)
    assert score.value is not None, score.reason
    return score.value


def term(sigma: float) -> float:
    return 2 - sigma - 1 / (sigma + 1e-6)


def test_two_factors_by_hand() -> None:
    # One channel: v is +1 or -1, u = c v and the mean of u v is c.
    assert value(chain(lambda x: 3 * x, lambda x: x / -4), torch.randn(6, 1)) == pytest.approx(
        (term(3) + term(0.25)) / 2, rel=1e-6
    )


@pytest.mark.parametrize(
    ("function", "size", "sigma"),
    [
        # Each of four pixels feels a quarter of v: they become channels, and sqrt(4 / 16) is left.
        (lambda x: F.avg_pool2d(x, 2), 4, 0.5),
        (lambda x: F.avg_pool2d(x, 4), 4, 0.25),
        (lambda x: 3 * x.mean((2, 3)), 4, 0.75),
        # Windows of 4, 2, 2 and 1 pixels of a 3 x 3 image: the means are (9, 3, 3, 1) / 16.
        (lambda x: F.avg_pool2d(x, 2, ceil_mode=True), 3, 0.625),
        # A border that is cut off: the pixels in the middle stay.
        (lambda x: 2 * x[:, :, 1:-1, 1:-1], 8, 2.0),
        # Of one line and column too many the last ones go.
        (lambda x: 2 * x[:, :, :-1, :-1], 8, 2.0),
        # Every other pixel.
        (lambda x: 5 * x[:, :, ::2, ::2], 6, 5.0),
    ],
)
def test_changes_of_size_by_hand(function: Callable[[torch.Tensor], torch.Tensor], size: int, sigma: float) -> None:
    net = chain(function, lambda x: 2 * x, images=True)
    assert value(net, torch.randn(3, 1, size, size)) == pytest.approx((term(sigma) + term(2)) / 2, rel=1e-6)


def test_larger_outputs_are_folded() -> None:
    # u is the sum of four signs and v has them as channels: about (1, 1, 1, 1), of length 2.
    grow = chain(lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3), lambda x: 2 * x, images=True)
    assert value(grow, torch.randn(16, 1, 32, 32)) == pytest.approx((term(2) + term(2)) / 2, abs=0.02)


class Residual(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, 1)
        self.norm = nn.BatchNorm2d(c_out)
        self.short = nn.Conv2d(c_in, c_out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(x))) + self.short(x)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 5, 3, padding=1)
        self.first, self.second, self.third = Residual(5, 5, 1), Residual(5, 9, 2), Residual(9, 9, 1)
        self.head = nn.Linear(9, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.third(self.second(self.first(self.stem(x)))).mean((2, 3)))


def test_agrees_with_single_blocks_and_singular_values_in_numpy() -> None:
    net, batch = Net(), torch.randn(6, 3, 8, 8)
    fresh = copy.deepcopy(net).train()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in fresh.named_parameters():
        drawn = torch.ones_like(parameter) if parameter.ndim == 1 else torch.randn(parameter.shape, generator=generator)
        gain = math.sqrt(2 * len(parameter) / parameter.numel()) if parameter.ndim > 1 else 1.0
        parameter.data = drawn * (0.0 if name.endswith("bias") else gain)
    fresh = fresh.double()
    ends = [fresh.stem(torch.randn(batch.shape, generator=generator).double()).detach()]
    for block in (fresh.first, fresh.second, fresh.third):
        ends.append(block(ends[-1]).detach())
    terms = []
    for block, start, end in reversed(
        list(zip((fresh.first, fresh.second, fresh.third), ends, ends[1:], strict=False))
    ):
        v = torch.randint(0, 2, end.shape, generator=generator, dtype=torch.float32).double() * 2 - 1
        start = start.clone().requires_grad_()
        u = torch.autograd.grad(block(start), start, v)[0]
        if u.shape[2] != v.shape[2]:
            u = F.pixel_unshuffle(u, 2)
        total = np.zeros((u.shape[1], v.shape[1]))
        for n in range(v.shape[0]):
            for i in range(v.shape[2]):
                for j in range(v.shape[3]):
                    total += np.outer(u[n, :, i, j], v[n, :, i, j])
        sigma = np.linalg.svd(total / (v.numel() / v.shape[1]), compute_uv=False)[0]
        terms.append(-sigma - 1 / (sigma + 1e-6) + 2)
    assert len(terms) == 3
    assert value(net, batch) == pytest.approx(np.mean(terms), rel=1e-5)


def test_wide_layers_agree_with_singular_values_in_numpy() -> None:
    net = nn.Sequential(nn.Linear(40, 50), nn.ReLU(), nn.Linear(50, 30))
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(50, 40, generator=generator) * math.sqrt(2 / 40)
    second = torch.randn(30, 50, generator=generator) * math.sqrt(2 / 50)
    batch = torch.randn(5, 40, generator=generator)
    terms = []
    for weight, active in ((second, batch @ first.T > 0), (first, torch.ones(5, 40))):
        v = torch.randint(0, 2, (5, len(weight)), generator=generator, dtype=torch.float32) * 2 - 1
        u = (v @ weight) * active
        terms.append(term(float(np.linalg.svd((u.T @ v / 5).numpy(), compute_uv=False)[0])))
    assert value(net, batch) == pytest.approx(np.mean(terms), rel=1e-4)


def test_rotating_the_output_of_a_block_changes_nothing() -> None:
    turn = torch.linalg.qr(torch.randn(6, 6)).Q
    batch = torch.randn(200, 6)
    rotated = value(chain(lambda x: x @ turn, lambda x: x @ turn), batch)
    assert rotated == pytest.approx(value(chain(lambda x: x.flip(1), lambda x: x.roll(1, 1)), batch), abs=1e-5)
    shifted = value(chain(lambda x: x.roll(1, 1), lambda x: x.roll(3, 1)), batch)
    assert rotated == pytest.approx(shifted, abs=1e-5)


def test_at_most_about_0_and_best_for_blocks_that_keep_gradients() -> None:
    turn = torch.linalg.qr(torch.randn(6, 6)).Q
    batch = torch.randn(2000, 6)
    best = value(chain(lambda x: x @ turn, lambda x: x @ turn.T), batch)
    assert -0.02 < best <= 2e-6
    for factor in (0.5, 2.0):
        assert value(chain(lambda x, f=factor: x @ turn * f, lambda x, f=factor: x @ turn.T * f), batch) < best - 0.3


def test_weights_mode_and_data_change_nothing_and_the_seed_does() -> None:
    batch = torch.randn(6, 3, 8, 8)
    assert value(Net(), batch) == value(Net().eval(), torch.rand(6, 3, 8, 8))
    assert value(Net(), batch) != value(Net(), batch, seed=1)


def test_an_identity_is_a_reason() -> None:
    score = trainability(chain(lambda x: 2 * x, lambda x: x), torch.randn(6, 2))
    assert score.value is None
    assert "what leaves block 2 passes the block unchanged" in str(score.reason)


def test_blocks_that_nothing_passes() -> None:
    batch = torch.randn(6, 2)
    assert value(chain(lambda x: x * 0, torch.zeros_like), batch) == pytest.approx(term(0.0))
    assert term(0.0) == pytest.approx(-999998)
    assert value(chain(lambda x: 0 * x[:, :1], lambda x: 3 * x), batch) == pytest.approx((term(0.0) + term(3)) / 2)


def test_blocks_without_a_common_grid_and_parallel_ones_are_left_out() -> None:
    class Parallel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = chain(lambda x: 3 * x, lambda x: 5 * x)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.blocks[0](x) + self.blocks[1](x)

    assert value(Parallel(), torch.randn(6, 1)) == pytest.approx(term(3), rel=1e-6)
    # The lines of an image become tokens.
    tokens = chain(lambda x: x.flatten(1, 2), lambda x: 3 * x)
    assert value(tokens, torch.randn(2, 3, 4, 1)) == pytest.approx(term(3), rel=1e-6)
    merged = chain(lambda x: x.reshape(-1, 1), lambda x: 3 * x)
    assert value(merged, torch.randn(2, 4)) == pytest.approx(term(3), rel=1e-6)
    score = trainability(chain(lambda x: x.flatten(1, 2), lambda x: x[:, 0]), torch.randn(2, 3, 4, 1))
    assert score.value is not None
    only = trainability(chain(lambda x: x.reshape(-1, 1), lambda x: x.reshape(2, -1)), torch.randn(2, 4))
    assert "no block of the network has an output that depends on the feature before" in str(only.reason)


def test_a_network_without_blocks_and_gradients_that_are_not_finite_are_reasons() -> None:
    assert "no block" in str(trainability(nn.ReLU(), torch.randn(6, 2)).reason)
    score = trainability(chain(lambda x: (x * 0).sqrt(), lambda x: 2 * x), torch.randn(6, 2))
    assert score.value is None
    assert "NaN or infinity" in str(score.reason)
