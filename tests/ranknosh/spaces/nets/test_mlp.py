"""Networks of linear layers beside torch's own: ranknosh/spaces/nets/mlp.py"""

import pytest
import torch
from torch import nn

from ranknosh.spaces import mlp
from ranknosh.spaces.nets.mlp import ACTIVATIONS, NORMS, Mlp

PLAIN = {"activation": "relu", "norm": "none", "dropout": 0.0, "residual": False}


def params(net):
    return sum(each.numel() for each in net.parameters())


def test_a_plain_network_is_linear_layers_with_activations():
    torch.manual_seed(0)
    net = Mlp((5,), (7, 4), (3,), **PLAIN)
    same = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4), nn.ReLU(), nn.Linear(4, 3))
    same.load_state_dict(dict(zip(same.state_dict(), net.state_dict().values(), strict=True)))
    x = torch.randn(6, 5)
    torch.testing.assert_close(net(x), same(x))
    assert params(net) == 6 * 7 + 8 * 4 + 5 * 3


@pytest.mark.parametrize(("norm", "more"), [("none", 0), ("batch", 2 * 11), ("layer", 2 * 11)])
def test_a_norm_has_two_parameters_an_element(norm, more):
    assert params(Mlp((5,), (7, 4), (3,), **{**PLAIN, "norm": norm})) == 89 + more


def test_a_residual_layer_adds_what_came_in():
    torch.manual_seed(0)
    net = Mlp((5,), (7, 7), (3,), **{**PLAIN, "residual": True})
    assert params(net) == 6 * 7 + 5 * 7 + 8 * 7 + 8 * 3
    x = torch.randn(6, 5)
    first = net.layers[0].layers(x) + x @ net.layers[0].shortcut.weight.T
    torch.testing.assert_close(net(x), net.head(net.layers[1].layers(first) + first))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_what_it_is_called(activation):
    net = Mlp((5,), (7,), (3,), **{**PLAIN, "activation": activation})
    x = torch.randn(6, 5)
    expected = getattr(torch.nn.functional, activation)(net.layers[0].layers[0](x))
    torch.testing.assert_close(net.layers[0](x), expected)


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    net = Mlp((5,), (64,), (3,), **{**PLAIN, "activation": "tanh", "dropout": 0.5})
    x = torch.randn(40, 5)
    left_out = (net.layers(x) == 0).float().mean().item()
    assert abs(left_out - 0.5) < 0.05
    assert (net.eval().layers(x) != 0).all()


@pytest.mark.parametrize(("inputs", "outputs"), [((3, 2), (4,)), ((6,), ()), ((6,), (2, 5)), ((), (1,))])
def test_shapes(inputs, outputs):
    assert Mlp(inputs, (8,), outputs, **PLAIN)(torch.randn(4, *inputs)).shape == (4, *outputs)


def test_the_space_offers_what_there_is():
    assert tuple(ACTIVATIONS) == mlp.ACTIVATIONS
    assert tuple(NORMS) == mlp.NORMS
