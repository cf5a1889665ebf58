"""Small networks and batches of the tests of zerocost, drawn from seeds of their own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

import zerocost

DTYPES = {torch.float32: 1e-5, torch.float64: 1e-9}
"""Types of networks, and how far a value may be from the definition in each, relatively."""


def value(proxy: str, net: nn.Module, inputs: Any, targets: torch.Tensor | None = None, **options: Any) -> float:
    """The value of one proxy; fails with its reason. Options but for ``loss`` are the proxy's."""
    loss = options.pop("loss", None)
    score = zerocost.score(net, inputs, targets, loss, proxy, options={proxy: options})[proxy]
    assert score.value is not None, score.reason
    return score.value


def reason(proxy: str, net: nn.Module, inputs: Any, targets: torch.Tensor | None = None, **options: Any) -> str:
    """Why one proxy has no value."""
    loss = options.pop("loss", None)
    score = zerocost.score(net, inputs, targets, loss, proxy, options={proxy: options})[proxy]
    assert score.reason is not None, score.value
    return score.reason


def conv_net(
    dtype: torch.dtype = torch.float32,
    *,
    norm: bool = True,
    eps: float = 1e-5,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Two convolutions, with batch norm or biases, and a classifier of 5 classes."""
    torch.manual_seed(3)
    layers: list[nn.Module] = []
    for c_in, c_out, stride in ((3, 6, 1), (6, 8, 2)):
        layers += [nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=not norm)]
        layers += [nn.BatchNorm2d(c_out, eps)] if norm else []
        layers += [activation()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).to(dtype)


def images(count: int = 10, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)


def labels(count: int = 10, classes: int = 5) -> torch.Tensor:
    return torch.randint(0, classes, (count,), generator=torch.Generator().manual_seed(2))


def layers_of(net: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    return [part for part in net.modules() if isinstance(part, (nn.Conv2d, nn.Linear))]


def differentiated(net: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> nn.Module:
    """A deep copy in training mode after one backward run of the mean cross-entropy."""
    twin = copy.deepcopy(net).train()
    F.cross_entropy(twin(inputs), targets).backward()
    return twin


class Chain(nn.Module):
    """``v * (w . x)`` with w = (3, -1) and v = 2, for values by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, 1, bias=False), nn.Linear(1, 1, bias=False)
        self.first.weight.data = torch.tensor([[3.0, -1.0]])
        self.last.weight.data = torch.tensor([[2.0]])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x))


TWO = torch.tensor([[1.0, 2.0], [1.0, 1.0]])
"""Two samples; w . x of ``Chain`` is 1 and 2 on them."""


def half_square(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return 0.5 * (outputs - targets).square().mean()


ORDER = torch.tensor([3, 8, 1, 0, 9, 2, 7, 5, 4, 6])
"""A permutation of a batch of 10."""
