"""The supernet of ranknosh/spaces/chain.py: an edge a layer, in a network that has no cells."""

import pytest
import torch
from torch import nn

from ranknosh.spaces.chain import OPERATIONS, Chain
from ranknosh.spaces.signature import Signature
from supernet.methods import get_method
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.states import EdgeStates
from tests.supernet_cases import tiny_search

SPACE = Chain(channels=2, head=6, stages=(1, 2))
SIGNATURE = Signature((3, 8, 8), (4,))
KIND = "layers"


def mix_of(space, theta):
    return Mix({KIND: theta}, {KIND: EdgeStates(space).places(KIND)}, Moment())


def copied(net, architecture):
    """The network of an architecture with the weights that the supernet has for it."""
    source, discrete = net.network.state_dict(), SPACE.network(architecture, SIGNATURE)
    weights = {}
    for name in discrete.state_dict():
        parts = name.split(".")
        if parts[0] == "layers":
            parts[2:2] = ["edge", "operations", OPERATIONS[architecture.code[int(parts[1])]]]
        weights[name] = source[".".join(parts)]
    discrete.load_state_dict(weights)
    return discrete


@pytest.mark.parametrize("text", ["000", "121", "202", "012"])
@pytest.mark.parametrize("training", [True, False])
def test_one_hot_weights_give_the_network_of_the_architecture(text, training):
    torch.manual_seed(0)
    architecture = SPACE.parse(text)
    net = Supernet(SPACE.relaxed(SIGNATURE), affine=True, running_statistics=True)
    images = torch.randn(3, 3, 8, 8)
    expected = copied(net, architecture).train(training)(images)
    mix = mix_of(net.space, torch.eye(3)[list(architecture.code)])
    torch.testing.assert_close(net.train(training)(images, mix), expected, rtol=1e-5, atol=1e-6)


def test_a_layer_is_the_weighted_sum_of_its_operations():
    torch.manual_seed(0)
    net = Supernet(SPACE.relaxed(SIGNATURE))
    theta = torch.rand(3, 3)
    layer, x = net.network.layers[2], torch.randn(2, 8, 4, 4)
    net.current.set(mix_of(net.space, theta))
    expected = sum(weight * layer.edge.operations[name](x) for weight, name in zip(theta[2], OPERATIONS, strict=True))
    torch.testing.assert_close(layer(x), expected)


def test_operations_of_a_supernet_have_no_scale_of_their_own():
    relaxed = SPACE.relaxed(SIGNATURE)
    for affine in (True, False):
        net = Supernet(relaxed, affine=affine)
        norms = [part for part in net.network.layers.modules() if isinstance(part, nn.BatchNorm2d)]
        assert len(norms) == 1 + 1 + 3 * 6
        assert {norm.affine for norm in norms} == {affine}


def test_what_was_kept_is_an_architecture_and_all_of_them_are_listed():
    relaxed = SPACE.relaxed(SIGNATURE)
    assert relaxed.write({KIND: (1, None, 2)}) == "102"
    assert {relaxed.write(cells) for cells in relaxed.listed()} == {SPACE.format(a) for a in SPACE.enumerate()}
    assert Chain(stages=(4, 4, 4)).relaxed(SIGNATURE).listed is None


@pytest.mark.parametrize("name", ["darts", "gdas", "ostr_darts", "sdarts_rs", "darts_pt"])
def test_methods_search_it(name):
    search = tiny_search(get_method(name, epochs=1), SPACE.relaxed(SIGNATURE), images=16)
    while not search.ended:
        search.run_epoch()
    assert SPACE.parse(search.space.write(search.result())).space == "chain"
