"""ranknosh/spaces/nets/cost.py"""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.network import Network, build_candidate, chosen_genotype
from ranknosh.spaces.nets.skeleton import genotype_skeleton

ALL = tuple(NasBench201().enumerate())


def by_dispatch(net, shape):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net.eval()(torch.zeros(1, *shape))
    return counter.get_total_flops() // 2


def test_hooks_agree_with_the_flop_counter():
    nets = [build_candidate(ALL[index], NetworkSize(4, 1, 5)) for index in (0, 777, 8_000, 15_624)]
    cell = (("sep_conv_3x3", 0), ("dil_conv_5x5", 1), ("skip_connect", 0), ("conv_7x1_1x7", 2))
    genotype = Genotype(cell, (2, 3), cell, (3,))
    nets.append(Network(genotype_skeleton(NetworkSize(4, 5, 5), genotype), chosen_genotype(genotype)))
    assert [count_macs(net, (3, 9, 9)) for net in nets] == [by_dispatch(net, (3, 9, 9)) for net in nets]


def test_foreign_networks_are_counted_too():
    class Squared(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(12, 7)

        def forward(self, x):
            out = self.linear(x.flatten(1))
            return out @ out.T

    assert count_macs(Squared(), (3, 2, 2)) == 12 * 7 + 7


def test_counting_leaves_the_network_as_it_was():
    net = build_candidate(ALL[15_624], NetworkSize(4, 1, 5)).train()
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
