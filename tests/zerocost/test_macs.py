"""macs: closed forms of single layers, and how it scales with batch and image."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

import zerocost


def macs(module: nn.Module, *shape: int) -> float | None:
    return zerocost.score(module, torch.randn(*shape), proxies=("macs",))["macs"].value


def test_convolution_closed_form() -> None:
    assert macs(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), 1, 4, 10, 10) == 8 * 5 * 5 * (4 // 2) * 9


def test_linear_closed_form_and_bias_is_free() -> None:
    assert macs(nn.Linear(7, 5, bias=True), 1, 7) == 35
    assert macs(nn.Linear(7, 5, bias=False), 1, 7) == 35


def test_is_of_one_sample_whatever_the_batch() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    assert macs(net, 1, 3, 8, 8) == macs(net, 5, 3, 8, 8) == 4 * 36 * 27 + 4 * 36 * 2


def test_quadruples_when_the_image_doubles() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, stride=2, padding=1))
    small, large = macs(net, 2, 3, 8, 8), macs(net, 2, 3, 16, 16)
    assert small is not None
    assert large == 4 * small


def test_functional_calls_count() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = nn.Parameter(torch.randn(4, 3, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            flat = F.conv2d(x, self.kernel).flatten(2)
            return flat @ flat.transpose(1, 2)

    assert macs(Functional(), 2, 3, 5, 5) == 4 * 3 * 25 + 4 * 25 * 4


def test_unused_layers_do_not_count() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(300, 200)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    assert macs(Unused(), 4, 3) == 6


def test_recurrent_layers() -> None:
    steps, width, hidden = 5, 6, 4
    per_gate = steps * hidden * (width + hidden)
    assert macs(nn.LSTM(width, hidden, batch_first=True), 3, steps, width) == 4 * per_gate
    assert macs(nn.GRU(width, hidden, batch_first=True), 3, steps, width) == 3 * per_gate


def test_transformer_layer() -> None:
    tokens, width, inner = 5, 16, 32
    layer = nn.TransformerEncoderLayer(width, 2, inner, batch_first=True)
    projections, attention = 4 * tokens * width * width, 2 * tokens * tokens * width
    assert macs(layer, 3, tokens, width) == projections + attention + 2 * tokens * width * inner
