"""A space that a user makes of operations of their own."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ranknosh.spaces.relaxed import operation
from supernet.methods import get_method
from tests.supernet_cases import tiny_search, triangle


class Gate(nn.Module):
    """A user's operation: the input times a learnt gate of its mean."""

    def __init__(self, channels):
        super().__init__()
        self.linear = nn.Linear(channels, channels)

    def forward(self, x):
        return x * torch.sigmoid(self.linear(x.mean((2, 3))))[:, :, None, None]


class Shift(nn.Module):
    """Another one, on the rectified input, which it shares with every edge that takes it."""

    takes = ("relu",)

    def forward(self, rectified):
        return torch.roll(rectified, 1, dims=3)


def make(name, context, affine):
    made = {"gate": lambda: Gate(context.c_in), "shift": Shift}
    return made[name]() if name in made else operation(name, context, affine)


def users_space():
    return replace(triangle(("gate", "shift")), name="mine", make=make)


def test_a_cell_of_user_operations_is_their_weighted_sum():
    search = tiny_search(get_method("darts", epochs=1), users_space())
    cell = search.net.network.blocks[0]
    mix = search.mix("weights", detached=True)
    search.net.current.set(mix)
    x = torch.randn(2, 4, 5, 5)

    def edge(slot, value):
        gate, shift = (cell.edges[str(slot)].operations[name] for name in ("gate", "shift"))
        weights = mix.theta["normal"][slot]
        return weights[0] * gate(value) + weights[1] * shift(torch.relu(value))

    torch.testing.assert_close(cell(x), edge(1, x) + edge(2, edge(0, x)))


@pytest.mark.parametrize("name", ["darts", "darts_minus", "pc_darts", "sdarts_rs", "noisy_darts", "r_darts_dp"])
def test_methods_search_it(name):
    search = tiny_search(get_method(name, epochs=1), users_space(), images=16)
    before = search.alphas["normal"].detach().clone()
    report = search.run_epoch()
    assert not torch.equal(before, search.alphas["normal"])
    assert report.text.startswith("normal: ")
    assert all(kept.split("(")[0] in ("gate", "shift") for kept in report.text.removeprefix("normal: ").split())
