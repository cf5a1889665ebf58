"""What enters the piecewise linear activations: which operations count, how often, and their codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from zerocost.activations import Activations

INPUTS = torch.tensor([[1.0, -1.0, 0.0], [-2.0, 3.0, -0.0]])
CODES = [[True, False, False], [False, True, False]]


def seen(run: Callable[[torch.Tensor], object], inputs: torch.Tensor = INPUTS) -> list[list[list[bool]]]:
    codes: list[list[list[bool]]] = []
    with Activations(2, lambda found: codes.append(found.tolist())):
        run(inputs.clone())
    return codes


@pytest.mark.parametrize(
    "run",
    [
        torch.relu,
        torch.relu_,
        F.relu6,
        lambda x: x.clamp(min=0),
        lambda x: x.clamp_(0, 4),
        lambda x: torch.clamp_min(x, 0.0),
        lambda x: F.leaky_relu(x, 0.3, inplace=True),
        lambda x: F.prelu(x, torch.tensor([0.1])),
        lambda x: F.prelu(x, torch.tensor([0.1, 0.2, 0.3])),
        lambda x: F.rrelu(x, training=True),
        lambda x: F.threshold(x, 0, 0),
        lambda x: F.hardtanh(x, min_val=0.0, max_val=2.0),
        lambda x: F.hardtanh(x, 0, 6, inplace=True),
        nn.ReLU(),
        nn.ReLU6(True),
        nn.Sequential(nn.Identity(), nn.LeakyReLU()),
    ],
)
def test_counted_once_a_call(run: Callable[[torch.Tensor], object]) -> None:
    assert seen(run) == [CODES]


@pytest.mark.parametrize(
    "run",
    [
        F.gelu,
        F.silu,
        F.elu,
        F.softplus,
        F.hardswish,
        F.hardtanh,
        torch.tanh,
        torch.abs,
        lambda x: x.clamp(max=0),
        lambda x: x.clamp(min=1),
        lambda x: F.threshold(x, 1, 0),
        lambda x: torch.relu(x.to(torch.int64)),
        lambda x: torch.relu(x[:1]),
        lambda x: torch.relu(x.sum()),
        lambda x: torch.relu(x.flatten()),
    ],
)
def test_not_counted(run: Callable[[torch.Tensor], object]) -> None:
    assert seen(run) == []


def test_units_of_any_shape_are_one_row_a_sample() -> None:
    inputs = INPUTS.view(2, 3, 1, 1).expand(2, 3, 2, 2)
    assert seen(torch.relu, inputs) == [[[code for code in row for _ in range(4)] for row in CODES]]


def test_every_execution_is_read_before_it_runs() -> None:
    assert seen(lambda x: torch.relu_(-torch.relu_(x))) == [CODES, [[False] * 3] * 2]


def test_nothing_is_read_outside_and_results_are_the_same() -> None:
    codes: list[torch.Tensor] = []
    watching = Activations(2, codes.append)
    torch.relu(INPUTS)
    assert codes == []
    with watching:
        assert torch.equal(torch.relu(INPUTS), F.relu(INPUTS))
    torch.relu(INPUTS)
    assert len(codes) == 2


def test_halves_and_doubles_have_codes_too() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        assert seen(torch.relu, INPUTS.to(dtype)) == [CODES]
