"""expressivity: by hand, against numpy, what it must not depend on, and where there is none."""

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
from ranknosh.spaces.catalog import get_space
from tests.networks import network_of

NAMES = ("expressivity", "progressivity", "trainability")


def expressivity(module: nn.Module, inputs: torch.Tensor, seed: int = 0) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies="expressivity", seed=seed)["expressivity"]


def value(module: nn.Module, inputs: torch.Tensor, seed: int = 0) -> float:
    score = expressivity(module, inputs, seed)
    assert score.value is not None, score.reason
    return score.value


class Block(nn.Module):
    """A block whose function is given; ``unused`` makes it one and says where its channels are."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], unused: nn.Module) -> None:
        super().__init__()
        self.function, self.unused = function, unused

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class Given(nn.Module):
    """Inputs of whole numbers are those that nobody draws anew; here they become numbers with a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.one


def chain(*functions: Callable[[torch.Tensor], torch.Tensor], images: bool = False) -> nn.Sequential:
    return nn.Sequential(Given(), *[Block(f, nn.Conv2d(1, 1, 1) if images else nn.Linear(1, 1)) for f in functions])


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


def images(count: int = 6) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def reference_features(net: Net, batch: torch.Tensor, seed: int = 0) -> list[torch.Tensor]:
    """The features of a copy whose weights and inputs are drawn by the rule, in float64."""
    net = copy.deepcopy(net).train()
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
        elif parameter.ndim > 1:
            drawn = torch.randn(parameter.shape, generator=generator)
            parameter.data = drawn * math.sqrt(2 / (parameter.numel() / len(parameter)))
        else:
            parameter.data.fill_(1.0)
    net = net.double()
    features = [net.stem(torch.randn(batch.shape, generator=generator).double())]
    for block in (net.first, net.second, net.third):
        features.append(block(features[-1]))
    return features


def reference_entropy(feature: torch.Tensor) -> float:
    points = np.moveaxis(feature.detach().numpy(), 1, 0).reshape(feature.shape[1], -1)
    shares = np.linalg.eigvals(np.cov(points, bias=True)).real
    shares = shares / shares.sum()
    return float(sum(-p * np.log(p + 1e-8) for p in shares))


# Covariance diag(9, 1) / 2: shares 0.9 and 0.1.
CROSS = torch.tensor([[3, 0], [-3, 0], [0, 1], [0, -1]])
UNEVEN = -0.9 * math.log(0.9 + 1e-8) - 0.1 * math.log(0.1 + 1e-8)
EVEN = -math.log(0.5 + 1e-8)


def test_two_blocks_by_hand() -> None:
    net = chain(lambda x: x * torch.tensor([1.0, 3.0]), lambda x: x[:, :1])
    # Then 0.5 and 0.5, and then a single channel: all of the variance.
    assert value(net, CROSS) == pytest.approx(UNEVEN + EVEN - math.log(1 + 1e-8), rel=1e-12)


def test_channels_of_images_and_of_tokens_by_hand() -> None:
    pixels = CROSS.T.reshape(1, 2, 2, 2)
    same = (lambda x: x * 2,) * 2
    assert value(chain(*same, images=True), pixels) == pytest.approx(3 * UNEVEN, rel=1e-12)
    assert value(chain(*same), CROSS.reshape(2, 2, 2)) == pytest.approx(3 * UNEVEN, rel=1e-12)


def test_agrees_with_the_definition_in_numpy() -> None:
    net, batch = Net(), images()
    expected = sum(reference_entropy(feature) for feature in reference_features(net, batch))
    assert value(net, batch) == pytest.approx(expected, rel=1e-5)
    assert value(net.double(), batch.double()) == pytest.approx(expected, rel=1e-10)


def test_fewer_positions_than_channels() -> None:
    net = nn.Sequential(nn.Linear(40, 50), nn.ReLU(), nn.Linear(50, 30)).double()
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(50, 40, generator=generator).double() * math.sqrt(2 / 40)
    second = torch.randn(30, 50, generator=generator).double() * math.sqrt(2 / 50)
    batch = torch.randn(5, 40, generator=generator).double()
    features = [batch, batch @ first.T, (batch @ first.T).relu() @ second.T]
    assert value(net, batch) == pytest.approx(sum(map(reference_entropy, features)), rel=1e-5)
    assert value(net, batch) <= 3 * math.log(4)


def test_weights_mode_data_and_labels_change_nothing_and_the_seed_does() -> None:
    batch = images()
    torch.manual_seed(1)
    first = Net()
    torch.manual_seed(2)
    second = Net().eval()
    assert value(first, batch) == value(second, batch) == value(second, torch.rand(6, 3, 8, 8))
    assert value(first, images(7)) != value(first, batch)
    labelled = zerocost.score(first, batch, torch.tensor([0, 1] * 3), proxies="expressivity")["expressivity"]
    assert labelled.value == value(first, batch)
    assert value(first, batch, seed=1) != value(first, batch)


def test_permuting_samples_scaling_and_shifting_given_inputs_change_nothing() -> None:
    net = nn.Sequential(Given(), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    batch = torch.randint(-9, 9, (10, 4))
    reference = value(net, batch)
    assert value(net, batch[torch.randperm(10)]) == pytest.approx(reference, rel=1e-5)
    assert value(net, 64 * batch) == pytest.approx(reference, rel=1e-5)
    assert value(net, batch * torch.tensor([1, 1, 1, 9])) != pytest.approx(reference, rel=1e-2)
    linear = nn.Sequential(Given(), nn.Linear(4, 8), nn.Linear(8, 3))
    assert value(linear, batch + 5) == pytest.approx(value(linear, batch), rel=1e-5)


def test_between_0_and_the_logarithms_of_the_channels() -> None:
    assert 0 < value(Net(), images(30)) < 2 * math.log(5) + 2 * math.log(9)
    # Independent channels come close.
    assert value(chain(lambda x: -x, lambda x: x * 2), torch.zeros(20000, 5)) == pytest.approx(
        3 * math.log(5), rel=1e-3
    )


def test_proxies_share_the_pass_and_have_the_values_they_have_alone() -> None:
    class Counting(Net):
        calls: list[int] = []  # noqa: RUF012

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls.append(len(x))
            return super().forward(x)

    net, batch = Counting(), images()
    together = zerocost.score(net, batch, proxies=NAMES).values_by_name
    assert Counting.calls == [6]
    assert None not in together.values()
    for name in NAMES:
        assert zerocost.score(net, batch, proxies=name)[name].value == together[name]
    assert zerocost.score(net, batch, proxies=tuple(reversed(NAMES))).values_by_name == together


def test_a_constant_feature_is_a_reason() -> None:
    # The mean of many times 0.1 is not exactly 0.1.
    for function in (
        torch.zeros_like,
        lambda x: torch.full_like(x, 0.1, dtype=torch.float64) * torch.tensor([1.0, 7.0]),
    ):
        score = expressivity(chain(lambda x: x * 2, function), CROSS.repeat(7, 1))
        assert score.value is None
        assert "what leaves block 2 is constant" in str(score.reason)
    assert "a single position of a single sample" in str(expressivity(nn.Linear(4, 3), torch.randn(1, 4)).reason)


def test_a_disconnected_cell_is_a_reason_and_others_have_values() -> None:
    space = get_space("nasbench201")
    size = (4, 1, 10, 3)
    dead = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    alive = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
    scores = zerocost.score(network_of(space.parse(dead), *size), images(), proxies=NAMES)
    assert "what leaves block 1 is constant" in str(scores["expressivity"].reason)
    assert "what leaves block 1 is constant" in str(scores["progressivity"].reason)
    assert scores["trainability"].value == pytest.approx(-999998.0)
    scores = zerocost.score(network_of(space.parse(alive), *size), images(), proxies=NAMES)
    assert None not in scores.values_by_name.values()


def test_a_feature_that_is_not_finite_is_a_reason() -> None:
    score = expressivity(chain(lambda x: x * 2, lambda x: x / 0), CROSS)
    assert score.value is None
    assert score.reason == "what leaves block 2 holds NaN or infinity"


def test_a_network_without_blocks_is_a_reason() -> None:
    reason = str(expressivity(nn.ReLU(), CROSS.float()).reason)
    assert "it needs 1 or more features of blocks" in reason
    assert "depends on 0" in reason


def test_other_networks_have_values() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.lstm, self.head = nn.Embedding(20, 6), nn.LSTM(6, 8, batch_first=True), nn.Linear(8, 3)

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.head(self.lstm(self.embedding(words))[0][:, -1])

    assert None not in zerocost.score(Classifier(), torch.randint(0, 20, (5, 7)), proxies=NAMES).values_by_name.values()
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    scores = zerocost.score(nn.TransformerEncoder(layer, 3), torch.randn(4, 5, 8), proxies=NAMES)
    assert None not in scores.values_by_name.values()


def test_torchvision_networks_have_values() -> None:
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    nets = (models.resnet18(), models.mobilenet_v3_small(), models.VisionTransformer(32, 8, 4, 2, 16, 32))
    for net in nets:
        scores = zerocost.score(net, torch.randn(2, 3, 32, 32), proxies=NAMES)
        assert {name: score.reason for name, score in scores.items()} == dict.fromkeys(NAMES)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_values() -> None:
    on_cpu = zerocost.score(Net(), images(), proxies=NAMES).values_by_name
    on_gpu = zerocost.score(Net().cuda(), images().cuda(), proxies=NAMES).values_by_name
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)
