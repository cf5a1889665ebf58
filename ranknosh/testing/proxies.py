"""What is asked of a train-free proxy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

import zerocost
from ranknosh.testing.saying import expect, tried
from zerocost.proxy import Proxy

_NAME = "a proxy that is checked"
_COMPANY = ("params", "synflow", "grad_norm")


def check_proxy(kind: type[Proxy], *, options: Mapping[str, Any] | None = None) -> None:
    """Check everything that a search asks of a proxy, on a linear and two convolutional networks of 3 classes.

    Args:
        kind: its class.
        options: keyword arguments of it.

    Raises:
        AssertionError: says what does not hold.
    """
    what = f"the proxy {getattr(kind, '__name__', kind)}"
    tried(what, lambda: zerocost.register(kind, _NAME))
    values = []
    try:
        for network, inputs in _networks():
            values += _check_on(network, inputs, dict(options or {}), what)
    finally:
        if _NAME in zerocost.PROXIES:
            del zerocost.PROXIES[_NAME]
    expect(values, f"{what} has a value on none of three ordinary networks")


def _networks() -> list[tuple[nn.Module, Tensor]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images = torch.randn(8, 3, 8, 8)
        body = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU()
        )
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
        small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
        linear = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
        return [(nn.Sequential(body, head), images), (small, images), (linear, torch.randn(8, 5))]


def _score(network: nn.Module, inputs: Tensor, options: Mapping[str, Any], *more: str) -> zerocost.Score:
    targets = torch.arange(len(inputs)) % 3
    return zerocost.score(network, inputs, targets, proxies=(*more, _NAME), options={_NAME: options})[_NAME]


def _check_on(network: nn.Module, inputs: Tensor, options: Mapping[str, Any], what: str) -> list[float]:
    """The value on one network, where there is one."""
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    before, drawn = inputs.clone(), torch.random.get_rng_state()
    score = tried(what, lambda: _score(network, inputs, options))
    now = network.state_dict()
    expect(
        all(torch.equal(kept[name], now[name]) for name in kept), f"{what} changes weights or buffers of the network"
    )
    expect(torch.equal(before, inputs), f"{what} changes its inputs")
    expect(
        torch.equal(drawn, torch.random.get_rng_state()),
        f"{what} draws from torch's global generator; use subject.seed",
    )
    expect(all(weight.grad is None for weight in network.parameters()), f"{what} leaves gradients behind")
    if score.value is None:
        expect(
            score.reason and not score.reason.split(":")[0].endswith(("Error", "Exception")),
            f"{what} raised {score.reason}; where it has no value, raise zerocost.Undefined with the reason",
        )
        return []
    expect(math.isfinite(score.value), f"{what} gave {score.value}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(12345)  # a proxy that draws from the global generator gives another value now
        again = _score(network, inputs, options).value
    company = _score(network, inputs, options, *_COMPANY).value
    expect(
        again == score.value,
        f"{what} gave {again} after {score.value} for the same network; draw from subject.seed alone",
    )
    expect(company == score.value, f"{what} gave {company} beside other proxies, and {score.value} alone")
    return [score.value]
