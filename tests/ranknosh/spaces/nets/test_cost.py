"""ranknosh/spaces/nets/cost.py"""

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.mlp import MlpSpace
from ranknosh.spaces.mobile import MobileSpace
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.transformer import TransformerSpace
from tests.networks import genotype_network, network_of

ALL = tuple(NasBench201().enumerate())


def by_dispatch(net, shape):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net.eval()(torch.zeros(1, *shape))
    return counter.get_total_flops() // 2


def test_hooks_agree_with_the_flop_counter():
    nets = [network_of(ALL[index], 4, 1, 5) for index in (0, 777, 8_000, 15_624)]
    cell = (("sep_conv_3x3", 0), ("dil_conv_5x5", 1), ("skip_connect", 0), ("conv_7x1_1x7", 2))
    genotype = Genotype(cell, (2, 3), cell, (3,))
    nets.append(genotype_network(genotype, 4, 5, 5))
    assert [count_macs(net, (3, 9, 9)) for net in nets] == [by_dispatch(net, (3, 9, 9)) for net in nets]


def attention(length, width, hidden):
    """Of an encoder layer: four maps of the width, two products of matrices, and the MLP."""
    return 4 * length * width**2 + 2 * length**2 * width + 2 * length * width * hidden


def test_attention_is_counted():
    """By hand; an encoder layer of torch's, which has kernels of its own in evaluation, and a space's network."""
    layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True)
    assert count_macs(layer, (9, 16)) == attention(9, 16, 24)
    space = TransformerSpace(patches=())
    net = space.network(space.parse("w48 | h2r4 | h8r1"), Signature((12,), (12, 7), "int64", 7))
    assert count_macs(net, (12,), "int64") == attention(12, 48, 192) + attention(12, 48, 48) + 12 * 48 * 7
    assert torch.backends.mha.get_fastpath_enabled()


def test_spaces_of_other_networks():
    for space, signature in ((MobileSpace(), Signature((3, 32, 32), (5,))), (MlpSpace(), Signature((9,), (2,)))):
        rng = np.random.default_rng(0)
        for _ in range(5):
            net = space.network(space.sample(rng), signature)
            assert count_macs(net, signature.inputs) == by_dispatch(net, signature.inputs)


def test_foreign_networks_are_counted_too():
    class Squared(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(12, 7)

        def forward(self, x):
            out = self.linear(x.flatten(1))
            return out @ out.T

    assert count_macs(Squared(), (3, 2, 2)) == 12 * 7 + 7


def test_networks_without_parameters_cost_what_they_compute():
    assert (count_params(nn.Flatten()), count_macs(nn.Flatten(), (3, 2, 2))) == (0, 0)


def test_counting_leaves_the_network_as_it_was():
    net = network_of(ALL[15_624], 4, 1, 5).train()
    net.head.eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    count_macs(net, (3, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert [module.training for module in net.modules()] == modes
    assert not any(module._forward_hooks for module in net.modules())


def test_params_count_frozen_ones_too():
    layer = nn.Linear(3, 2)
    layer.weight.requires_grad_(False)
    assert count_params(layer) == 8
