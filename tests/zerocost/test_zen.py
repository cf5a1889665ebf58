"""zen: by the law of a Gaussian, against the definition spelt out, its invariants, and which features it reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zerocost


def zen(module: nn.Module, inputs: torch.Tensor, seed: int = 0, **options: Any) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies=("zen",), seed=seed, options={"zen": options})["zen"]


def value(module: nn.Module, inputs: torch.Tensor, seed: int = 0, **options: Any) -> float:
    score = zen(module, inputs, seed, **options)
    assert score.value is not None, score.reason
    return score.value


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


def images(count: int = 6, channels: int = 3, side: int = 8, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.zeros(count, channels, side, side, dtype=dtype)


def trunk(norm: bool = True) -> list[nn.Module]:
    first, second = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 4, 3)
    if not norm:
        return [first, nn.ReLU(), second, nn.ReLU()]
    return [first, nn.BatchNorm2d(6), nn.ReLU(), second, nn.BatchNorm2d(4), nn.ReLU()]


def network(norm: bool = True, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    return nn.Sequential(*trunk(norm), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).to(dtype)


def spelt_out(norm: bool, seed: int, repeats: int, dtype: torch.dtype) -> float:
    """The definition for ``network`` on 6 images, drawing what is drawn in the same order."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    total = 0.0
    for _ in range(repeats):
        weights = [draw(6, 3, 3, 3).to(dtype), draw(4, 6, 3, 3).to(dtype)]
        draw(5, 4)  # the classifier
        noise, change = draw(6, 3, 8, 8), draw(6, 3, 8, 8)
        features, scale = [], 0.0
        for run, x in enumerate((noise.to(dtype), (noise + 0.01 * change).to(dtype))):
            for weight in weights:
                x = F.conv2d(x, weight)
                if norm:
                    mean = x.mean(dim=(0, 2, 3), keepdim=True)
                    variance = ((x - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
                    scale += math.log(math.sqrt(float(variance.mean()))) if run == 0 else 0.0
                    x = (x - mean) / (variance + 1e-5).sqrt()
                x = x.clamp(min=0)
            features.append(x)
        per_image = [float((a - b).abs().double().sum()) for a, b in zip(*features, strict=True)]
        total += math.log(sum(per_image) / 6) + scale
    return total / repeats


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("repeats", [1, 3])
def test_agrees_with_the_definition_spelt_out(norm: bool, repeats: int, dtype: torch.dtype, tolerance: float) -> None:
    found = value(network(norm, dtype), images(dtype=dtype), seed=7, repeats=repeats)
    assert found == pytest.approx(spelt_out(norm, 7, repeats, dtype), rel=tolerance)


def test_a_normalised_image_by_hand() -> None:
    # Scaling by 3 makes the variance 9 and is undone by the norm; a change is 0.01 of a Gaussian, of mean size sqrt(2 / pi).
    net = nn.Sequential(Apply(lambda x: 3 * x), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1))
    expected = math.log(0.01 * 3 * 64 * 64 * math.sqrt(2 / math.pi)) + math.log(3)
    assert value(net, images(16, side=64)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("factor", [0.5, 8.0])
def test_a_norm_gives_back_the_scale_it_takes(factor: float) -> None:
    plain = nn.Sequential(*trunk(), nn.AdaptiveAvgPool2d(1))
    scaled = nn.Sequential(trunk()[0], Apply(lambda x: factor * x), *trunk()[1:], nn.AdaptiveAvgPool2d(1))
    assert value(scaled, images()) == pytest.approx(value(plain, images()) + math.log(factor), rel=1e-5)


def test_a_factor_on_the_features_adds_its_logarithm() -> None:
    scaled = nn.Sequential(*trunk(), Apply(lambda x: 8 * x), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    assert value(scaled, images()) == pytest.approx(value(network(), images()) + math.log(8), rel=1e-9)


def test_weights_data_labels_and_mode_change_nothing_but_the_seed_does() -> None:
    reference = value(network(), images())
    net = network().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-9, 9)
        for module in net:
            if isinstance(module, nn.BatchNorm2d):
                module.running_var.fill_(50)
    scores = zerocost.score(net, torch.randn(6, 3, 8, 8), torch.zeros(6, dtype=torch.int64), proxies=("zen",))
    assert scores["zen"].value == reference
    assert value(net, images(), seed=1) != reference


def test_the_form_of_the_network_and_the_size_of_the_input_matter() -> None:
    reference = value(network(), images())
    assert value(network(norm=False), images()) != reference
    assert value(network(), images(side=16)) > reference + 1  # 12 x 12 positions in place of 4 x 4


def test_no_more_than_sixteen_samples() -> None:
    assert value(network(), images(16)) == value(network(), images(50))
    assert value(network(), images(16)) != value(network(), images(15))


def test_parameters_of_one_dimension_are_as_at_first() -> None:
    class Gained(nn.Module):
        def __init__(self, fill: float) -> None:
            super().__init__()
            self.conv, self.slope = nn.Conv2d(3, 4, 3), nn.PReLU(4)
            self.norms = nn.Sequential(nn.GroupNorm(2, 4), nn.LayerNorm([4, 6, 6]), nn.InstanceNorm2d(4, affine=True))
            self.gamma = nn.Parameter(torch.empty(1))
            for parameter in self.parameters():
                nn.init.constant_(parameter, fill)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.adaptive_avg_pool2d(self.gamma * self.norms(self.slope(self.conv(x))), 1)

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.group_norm(F.leaky_relu(self.conv(x), 0.25), 2)
            return F.adaptive_avg_pool2d(F.instance_norm(F.layer_norm(x, [4, 6, 6])), 1)

    double = images(dtype=torch.float64)
    assert value(Gained(-3.0).double(), double) == pytest.approx(value(Plain().double(), double), rel=1e-9)


POOLED = {
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
    "adaptive pair": lambda x: F.adaptive_avg_pool2d(x, (1, 1)).flatten(1),
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, 1).flatten(1),
    "one window": lambda x: F.avg_pool2d(x, 4).flatten(1),
    "method": lambda x: x.mean((2, 3)),
    "function, kept": lambda x: torch.mean(x, dim=[2, 3], keepdim=True).flatten(1),
    "flattened": lambda x: x.flatten(2).mean(-1),
    "channels last": lambda x: x.permute(0, 2, 3, 1).mean(dim=(1, 2)),
    "tokens": lambda x: x.flatten(2).transpose(1, 2).mean(1),
    "flattened, adaptive": lambda x: F.adaptive_avg_pool1d(x.flatten(2), 1).flatten(1),
}


@pytest.mark.parametrize("name", POOLED)
def test_every_kind_of_global_pooling_is_found(name: str) -> None:
    net = nn.Sequential(*trunk(), Apply(POOLED[name]), nn.Linear(4, 5))
    assert value(net, images()) == pytest.approx(value(network(), images()), rel=1e-9)


def test_the_last_pooling_counts() -> None:
    # A squeeze and excitation whose gate is 2.
    gate = Apply(lambda x: x * (F.adaptive_avg_pool2d(x, 1) * 0 + 2))
    net = nn.Sequential(*trunk(), gate, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    assert value(net, images()) == pytest.approx(value(network(), images()) + math.log(2), rel=1e-9)


def test_features_are_read_before_they_are_changed_in_place() -> None:
    def pool_and_clear(x: torch.Tensor) -> torch.Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)
        x.zero_()
        return pooled

    net = nn.Sequential(*trunk(), Apply(pool_and_clear), nn.Flatten(), nn.Linear(4, 5))
    assert value(net, images()) == value(network(), images())


@pytest.mark.parametrize("dim", [-1, 1])
def test_the_mean_that_a_norm_takes_is_no_pooling(dim: int) -> None:
    class Tokens(nn.Module):
        def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
            super().__init__()
            self.embed, self.function, self.head = nn.Linear(8, 4), function, nn.Linear(4, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.function(self.embed(x))[:, 0])

    by_mean = Tokens(lambda x: x * x.pow(2).mean(dim, keepdim=True))
    by_sum = Tokens(lambda x: x * x.pow(2).sum(dim, keepdim=True) / x.shape[dim])
    tokens = torch.zeros(6, 7, 8)
    assert value(by_mean, tokens) == pytest.approx(value(by_sum, tokens), rel=1e-5)


def test_without_pooling_the_input_of_the_last_linear_layer_is_read() -> None:
    # The features are the image itself: 0.01 of a Gaussian of 3 * 64 * 64 numbers, whatever layers come after.
    expected = math.log(0.01 * 3 * 64 * 64 * math.sqrt(2 / math.pi))
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 2), nn.Tanh())
    assert value(net, images(16, side=64)) == pytest.approx(expected, abs=0.01)


def test_a_dead_branch_adds_nothing() -> None:
    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.dead = nn.Sequential(*trunk()), nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.adaptive_avg_pool2d(self.net(x) + self.dead(x * 0).sum(), 1)

    assert value(Branched(), images()) == value(nn.Sequential(*trunk(), nn.AdaptiveAvgPool2d(1)), images())


def test_only_norms_by_the_statistics_of_the_batch_add_their_scale() -> None:
    mean, variance = torch.zeros(4), torch.ones(4)
    fixed = Apply(lambda x: F.batch_norm(x, mean, variance, eps=0.0))
    net = nn.Sequential(*trunk(), fixed, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    assert value(net, images()) == pytest.approx(value(network(), images()), rel=1e-6)


def test_repeats_are_averages_of_different_draws() -> None:
    one, two = value(network(), images()), value(network(), images(), repeats=2)
    assert one != two
    assert one == value(network(), images(), repeats=1)


def deep(layers: int) -> nn.Sequential:
    """Every layer makes Gaussian features about eight times as large."""
    return nn.Sequential(*[nn.Linear(64, 64) for _ in range(layers)])


def test_what_overflows_float32_runs_in_float64() -> None:
    found = value(deep(60), torch.zeros(3, 64))
    assert found == value(deep(60).double(), torch.zeros(3, 64, dtype=torch.float64))
    assert found == pytest.approx(math.log(0.01 * 64 * math.sqrt(2 / math.pi)) + 59 * math.log(8), abs=5)


def test_half_precision_runs_in_float32() -> None:
    half = network(dtype=torch.bfloat16)
    assert value(half, images(dtype=torch.bfloat16)) == value(network(), images())


@pytest.mark.parametrize(
    ("module", "inputs", "word"),
    [
        (nn.Embedding(9, 4), torch.zeros(2, 5, dtype=torch.int64), "floating-point"),
        (nn.Conv2d(3, 4, 3), images(), "no pooling to one position or linear layer"),
        (nn.Sequential(Apply(lambda x: x * 0), *network()), images(), "do not depend on the input"),
        (deep(400), torch.zeros(3, 64), "overflow even float64"),
        (network(), images(1, side=5), "more than 1 value per channel"),
    ],
)
def test_reasons_in_place_of_a_value(module: nn.Module, inputs: torch.Tensor, word: str) -> None:
    score = zen(module, inputs)
    assert score.value is None
    assert word in str(score.reason)


@pytest.mark.parametrize("repeats", [0, -1, 1.5])
def test_a_number_of_draws_that_is_none(repeats: Any) -> None:
    with pytest.raises(ValueError, match="repeats"):
        zen(network(), images(), repeats=repeats)
