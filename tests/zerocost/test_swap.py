"""swap: by hand, against a set of columns, and how it grows and does not grow with the batch."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.zerocost_nets import DTYPES, ORDER, conv_net, images, reason, value

# Codes 1011, 0011, 1101: the columns are 101, 001, 110 and 111.
THREE = torch.tensor([[1.0, -1.0, 2.0, 3.0], [-1.0, 0.0, 1.0, 1.0], [0.5, 1.0, -2.0, 4.0]])


def columns(net: nn.Sequential, batch: torch.Tensor) -> set[tuple[bool, ...]]:
    """The patterns of all units, one by one."""
    found, hidden = set(), batch
    for part in copy.deepcopy(net).train():
        if isinstance(part, nn.ReLU):
            found |= {tuple(unit) for unit in (hidden > 0).flatten(1).T.tolist()}
        hidden = part(hidden)
    return found


def test_three_samples_by_hand() -> None:
    assert value("swap", nn.ReLU(), THREE) == 4
    assert value("swap", nn.ReLU(), torch.cat([THREE, THREE[:, 1:]], dim=1)) == 4
    # The columns of the first two samples are 10, 00, 11 and 11.
    assert value("swap", nn.ReLU(), THREE[:2]) == 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 5, 24, 25, 48, 49, 80])
def test_agrees_with_a_set_of_columns(count: int, dtype: torch.dtype) -> None:
    net, batch = conv_net(dtype), images(count, dtype)
    assert value("swap", net, batch) == len(columns(net, batch))


def test_samples_beyond_a_word_tell_units_apart() -> None:
    codes = torch.full((60, 6), -1.0)
    for unit, sample in enumerate((0, 23, 24, 47, 48, 59)):
        codes[sample, unit] = 1.0
    assert value("swap", nn.ReLU(), codes) == 6
    assert value("swap", nn.ReLU(), torch.cat([codes, codes], dim=1)) == 6


def test_patterns_that_differ_in_one_sample_of_many_are_two() -> None:
    codes = torch.ones(80, 81)
    codes[torch.arange(80), torch.arange(80)] = -1.0
    # Every unit is off for one sample, the last one for none.
    assert value("swap", nn.ReLU(), codes) == 81


def test_bounds_and_more_samples() -> None:
    net = conv_net(norm=False)
    units = 6 * 64 + 8 * 16
    found = [value("swap", net, images()[:count]) for count in range(1, 11)]
    assert all(before <= after for before, after in pairwise(found))
    assert all(number <= min(units, 2**count) for count, number in enumerate(found, 1))
    assert found[-1] > found[0]


def test_order_and_repetition_of_the_batch_change_nothing() -> None:
    net = conv_net(norm=False)
    reference = value("swap", net, images())
    assert value("swap", net, images()[ORDER]) == reference
    assert value("swap", net, images().repeat(3, 1, 1, 1)) == reference


def test_a_pattern_of_two_activations_counts_once() -> None:
    relu = nn.ReLU()
    assert value("swap", nn.Sequential(relu, nn.Identity(), relu), THREE) == 4


def test_a_dead_network_shows_one_pattern() -> None:
    assert value("swap", nn.ReLU(), -torch.ones(4, 9)) == 1


def test_functional_and_in_place_activations_count() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = conv_net()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for part in self.net:
                x = F.relu_(x) if isinstance(part, nn.ReLU) else part(x)
            return x

    assert value("swap", Functional(), images()) == value("swap", conv_net(), images())


def test_no_such_activation_is_a_reason() -> None:
    found = reason("swap", conv_net(activation=nn.GELU), images())
    assert found == "no ReLU-like activation (kink at zero) ran on a tensor whose first dimension is the batch of 10"
