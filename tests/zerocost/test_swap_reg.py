"""swap_reg: by hand, its peak, and its options."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import zerocost
from tests.zerocost_nets import conv_net, images, reason, value


def test_by_hand() -> None:
    net = nn.Sequential(nn.Linear(100, 20, bias=False), nn.ReLU())
    # 2 thousand weights, 3 away from the size wanted.
    expected = value("swap", net, images().flatten(1)[:, :100]) * math.exp(-9 / 4)
    found = value("swap_reg", net, images().flatten(1)[:, :100], mu=5.0, sigma=4.0)
    assert found == pytest.approx(expected, rel=1e-12)


def test_is_swap_at_the_size_wanted_and_never_more() -> None:
    net = conv_net()
    thousands = sum(parameter.numel() for parameter in net.parameters()) / 1000
    plain = value("swap", net, images())
    assert value("swap_reg", net, images(), mu=thousands, sigma=1e-3) == plain
    away = [value("swap_reg", net, images(), mu=thousands + distance, sigma=2.0) for distance in (-2, -1, 0, 1, 2)]
    assert away == pytest.approx(away[::-1], rel=1e-12)
    assert away[0] < away[1] < away[2] == plain


def test_frozen_weights_have_no_size() -> None:
    net = conv_net().requires_grad_(False)
    assert value("swap_reg", net, images(), mu=0.0, sigma=1e-9) == value("swap", net, images())


def test_without_options_it_has_no_value() -> None:
    assert "it needs the options mu and sigma" in reason("swap_reg", conv_net(), images())
    assert "it needs the options mu and sigma" in reason("swap_reg", conv_net(), images(), mu=1.0)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_a_width_that_is_none(sigma: float) -> None:
    with pytest.raises(ValueError, match="swap_reg got sigma="):
        zerocost.score(conv_net(), images(), proxies="swap_reg", options={"swap_reg": {"mu": 1.0, "sigma": sigma}})


def test_no_such_activation_is_a_reason() -> None:
    found = reason("swap_reg", nn.GELU(), torch.randn(4, 5), mu=1.0, sigma=1.0)
    assert found == "no ReLU-like activation (kink at zero) ran on a tensor whose first dimension is the batch of 4"
