"""linear_regions: by hand, against the exact crossings of one hidden layer, brute force, and its invariants."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import zerocost
from tests.zerocost.frozen_nets import conv_net, frozen_copy, images


def regions(module: nn.Module, inputs: torch.Tensor, **options: int) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies=("linear_regions",), options={"linear_regions": options})[
        "linear_regions"
    ]


def value(module: nn.Module, inputs: torch.Tensor, **options: int) -> float:
    score = regions(module, inputs, **options)
    assert score.value is not None, score.reason
    return score.value


def mlp(width: int = 20) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3)
    ).double()


def points(count: int = 5) -> torch.Tensor:
    return 3 * torch.randn(count, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_one_unit_that_turns_on_once_by_hand() -> None:
    assert value(nn.ReLU(), torch.tensor([[-1.0], [1.0]])) == 2.0


def test_three_samples_by_hand() -> None:
    # Crossings 0-1: two units, 1-2: one, 2-0: all three; 1 + 6 / 3.
    inputs = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]])
    assert value(nn.ReLU(), inputs) == 3.0
    assert value(nn.ReLU(), inputs, segments=1) == 3.0
    assert value(nn.ReLU(), inputs, segments=2) == 2.5


def test_a_hidden_layer_against_its_exact_crossings() -> None:
    layer = nn.Linear(4, 30).double()
    net, batch = nn.Sequential(layer, nn.ReLU(), nn.Linear(30, 2).double()), points(6)
    total = 0
    for n in range(6):
        start, end = (layer(batch[i]).detach() for i in (n, (n + 1) % 6))
        # w x + b is linear along the line: it is 0 at start / (start - end), inside the segment where that is in (0, 1).
        share = start / (start - end)
        total += int(((share > 0) & (share < 1)).sum())
    assert total > 0
    assert value(net, batch) == 1 + total / 6
    assert value(net, batch, steps=1) == 1 + total / 6


def test_pieces_are_those_at_which_the_slope_changes() -> None:
    net, batch = mlp(), points(2)
    line = torch.lerp(batch[0], batch[1], torch.linspace(0, 1, 8001, dtype=torch.float64)[:, None])
    output = net(line).detach().numpy()[:, 0]
    bend = np.abs(np.diff(output, n=2)) > 1e-9
    # A kink shows in one or two neighbouring second differences.
    kinks = int(bend[0]) + int((bend[1:] & ~bend[:-1]).sum())
    assert kinks > 5
    assert value(net, batch, steps=4096) == 1 + kinks


def test_agrees_with_a_loop_over_points_of_a_copy() -> None:
    net, batch = conv_net(), images(4)
    twin = frozen_copy(net, batch)
    codes: list[np.ndarray] = []
    for module in twin:
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda _, args: codes.append((args[0].detach().numpy() > 0).ravel()))
    total = 0
    for n in range(3):
        seen = []
        for step in range(6):
            codes.clear()
            start, end = batch[n], batch[(n + 1) % 4]
            twin((start + (end - start) * step / 5)[None])
            seen.append(np.concatenate(codes))
        total += sum(int((a != b).sum()) for a, b in pairwise(seen))
    assert value(net, batch, segments=3, steps=5) == 1 + total / 3


def test_finer_steps_see_no_less() -> None:
    found = [value(mlp(), points(), steps=steps) for steps in (1, 2, 4, 8, 64)]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_a_positive_factor_before_the_activation_changes_nothing() -> None:
    net = mlp()
    before = value(net, points())
    net[0].weight.data *= 4.0
    net[0].bias.data *= 4.0
    net[2].bias.data *= 4.0
    assert value(net, points()) == before


def test_the_batch_is_a_ring() -> None:
    reference = value(mlp(), points(), segments=8)
    assert value(mlp(), points().roll(2, dims=0), segments=5) == reference
    assert value(mlp(), points(), segments=2) != reference


def test_two_samples_have_one_line() -> None:
    assert value(mlp(), points(2), segments=8) == value(mlp(), points(2), segments=1)


def test_equal_samples_are_in_one_region() -> None:
    assert value(mlp(), points(1).repeat(3, 1)) == 1.0


def test_the_statistics_are_those_of_the_batch() -> None:
    net, batch = conv_net(), images()
    for offset in (0.0, 100.0):
        # Batch norm takes a common offset of a layer away, on the line too.
        shifted = copy.deepcopy(net)
        shifted[0].bias.data += offset
        assert value(shifted, batch) == value(net, batch)


def test_in_place_activations_and_mode_change_nothing() -> None:
    net = conv_net()
    reference = value(net, images())
    net[2], net[5] = nn.ReLU(), nn.ReLU(inplace=True)
    assert value(net.eval(), images()) == reference


def test_several_inputs_move_together() -> None:
    class Sum(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return torch.relu(a + b)

    pair = (torch.tensor([[-1.0, -1.0], [1.0, -1.0]]), torch.tensor([[0.0, 0.0], [0.0, 3.0]]))
    assert zerocost.score(Sum(), pair, proxies=("linear_regions",))["linear_regions"].value == 3.0


@pytest.mark.parametrize(
    ("module", "inputs", "word"),
    [
        (nn.Linear(4, 2), torch.randn(3, 4), "no ReLU-like activation"),
        (nn.Sequential(nn.Linear(4, 2), nn.GELU()), torch.randn(3, 4), "no ReLU-like activation"),
        (nn.ReLU(), torch.randn(1, 4), "a batch of 2 or more"),
        (nn.Sequential(nn.Embedding(5, 3), nn.ReLU()), torch.tensor([[1], [2]]), "no line between whole numbers"),
        (nn.Sequential(nn.Softmax(0), nn.ReLU()), torch.randn(3, 4), "mixes samples"),
        (nn.ReLU(), torch.tensor([[0.0], [float("nan")]]), "NaN or infinity"),
    ],
)
def test_reasons(module: nn.Module, inputs: torch.Tensor, word: str) -> None:
    score = regions(module, inputs)
    assert score.value is None
    assert word in str(score.reason)


@pytest.mark.parametrize("option", ["segments", "steps"])
def test_options_are_checked(option: str) -> None:
    for wrong in (0, 1.5):
        with pytest.raises(ValueError, match=f"{option}={wrong}"):
            regions(mlp(), points(), **{option: wrong})  # type: ignore[arg-type]
