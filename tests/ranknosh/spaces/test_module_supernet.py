"""Supernets of modules: ranknosh/spaces/module_supernet.py"""

import pytest
import torch
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces import ModuleSpace, Signature, choice, one_of, repeat
from ranknosh.spaces.module_supernet import KIND, relaxed_module
from supernet.methods import method_factory
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from tests.module_nets import IMAGES, ROWS, Deep, nested, odd, shapes, tied


def mix_of(relaxed, weights):
    """A pass in which every edge runs all its operations by these weights, one row an edge."""
    theta = torch.zeros(len(relaxed.candidates[KIND]), relaxed.width)
    for edge, row in enumerate(weights):
        theta[edge, : len(row)] = torch.tensor(row)
    executed = tuple(tuple(range(len(names))) for names in relaxed.candidates[KIND])
    return Mix({KIND: theta}, {KIND: executed}, Moment())


def test_edges_are_the_choices_whose_branches_agree():
    relaxed = ModuleSpace(shapes).relaxed(ROWS)
    assert relaxed.candidates == {KIND: (("a", "b"),)}
    relaxed = relaxed_module(ModuleSpace(shapes), ROWS, {"wide": 4})
    assert relaxed.candidates == {KIND: (("a", "b"), ("a", "b"))}
    assert ModuleSpace(odd).relaxed(ROWS) is None


def test_what_is_kept_is_written_as_an_architecture_of_the_space():
    space = ModuleSpace(Deep)
    relaxed = space.relaxed(IMAGES)
    found = space.parse(relaxed.write({KIND: (2, 0, 1)}))
    assert space.decode(found) == {
        "width": 4, "depth": 3, "block0.op": "pool", "block1.op": "conv", "block1.kernel": 1, "block2.op": "skip",
    }  # fmt: skip
    assert len(list(relaxed.listed())) == 27
    fixed = relaxed_module(space, IMAGES, {"width": 8, "depth": 2, "block1.kernel": 3})
    assert space.decode(space.parse(fixed.write({KIND: (2, 0)}))) == {
        "width": 8, "depth": 2, "block0.op": "pool", "block1.op": "conv", "block1.kernel": 3,
    }  # fmt: skip


def test_a_mixture_is_the_weighted_sum_of_the_branches():
    """By hand: a choice between a linear layer and itself with a tanh behind it, then the same layers."""
    relaxed = ModuleSpace(tied).relaxed(ROWS)
    net = Supernet(relaxed, seed=3, affine=True)
    batch = torch.randn(5, 6)
    first, second = (net.network[i].edge.operations for i in (0, 1))
    hidden = 0.3 * first["plain"](batch) + 0.7 * first["gated"](batch)
    expected = net.network[2](2.0 * second["plain"](hidden) - second["gated"](hidden))
    assert torch.allclose(net(batch, mix_of(relaxed, [[0.3, 0.7], [2.0, -1.0]])), expected, atol=1e-6)


def test_one_operation_alone_is_the_network_of_its_architecture():
    """With the same weights: what the supernet gives with one-hot weights, the space's own network gives."""
    space = ModuleSpace(nested)
    relaxed = space.relaxed(ROWS)
    net = Supernet(relaxed, seed=1, affine=True)
    one = space.parse(relaxed.write({KIND: (1, 1, 0)}))
    assert space.decode(one) == {
        "body": "deep",
        "depth": 2,
        "block0": "wide",
        "block0.ratio": 1,
        "block1": "thin",
        "act": "relu",
    }
    own = space.network(one, ROWS)
    deep = net.network[0].edge.operations["deep"]
    own[0][0].load_state_dict(deep[0].edge.operations["wide"].state_dict())
    own[0][1].load_state_dict(deep[1].edge.operations["thin"].state_dict())
    own[2].load_state_dict(net.network[2].state_dict())
    batch = torch.randn(4, 6)
    mixed = net(batch, mix_of(relaxed, [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]))
    assert torch.allclose(mixed, own(batch), atol=1e-6)


def lazy(signature):
    width = choice("width", [4, 8])
    wide = {
        "conv": lambda: nn.Sequential(nn.LazyBatchNorm2d(), nn.LazyConv2d(width, 3, padding=1)),
        "skip": nn.Identity,
    }
    body = repeat("depth", [1, 2], lambda i: one_of(f"block{i}", wide))
    return nn.Sequential(nn.LazyConv2d(width, 1), body, nn.Flatten(), nn.LazyLinear(signature.outputs[0]))


def test_lazy_layers_have_weights_before_a_search_begins():
    relaxed = ModuleSpace(lazy).relaxed(IMAGES)
    net = Supernet(relaxed, seed=0)
    assert net.network[3].in_features == 4 * 8 * 8
    norm = net.network[1][0].edge.operations["conv"][0]
    assert norm.weight is None  # no scale of its own in a supernet
    same = Supernet(relaxed, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), same.parameters(), strict=True))
    outputs = net(torch.randn(2, 3, 8, 8), mix_of(relaxed, [[1.0, 0.0], [0.5, 0.5]]))
    assert outputs.shape == (2, 5)


def test_partial_channels_are_refused():
    relaxed = ModuleSpace(lazy).relaxed(IMAGES)
    method = method_factory("pc_darts")(epochs=1)
    with pytest.raises(SpaceError, match="a module of your own has one width"):
        Supernet(relaxed, parts=method.parts)


def test_an_edge_without_operations_gives_zeros():
    relaxed = ModuleSpace(tied).relaxed(ROWS)
    net = Supernet(relaxed, allowed={KIND: torch.tensor([[False, False], [True, False]])})
    batch = torch.randn(3, 6)
    expected = net.network[2](net.network[1].edge.operations["plain"](torch.zeros(3, 4)))
    assert torch.allclose(net(batch, mix_of(relaxed, [[0.5, 0.5], [1.0, 0.0]])), expected)


def test_signatures_size_the_network():
    net = Supernet(ModuleSpace(tied).relaxed(Signature((9,), (2,))))
    assert net.network[2].out_features == 2
    assert net.network[0].edge.operations["plain"].in_features == 9
