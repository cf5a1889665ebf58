"""ranknosh/spaces/nets/size.py, against numbers of the published table and a plain formulation."""

import pytest
import torch
import torch.nn.functional as F

from ranknosh.spaces.nasbench201 import TOPOLOGY
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.network import Network
from ranknosh.spaces.nets.size import LinearConvBN, published_edge
from ranknosh.spaces.nets.skeleton import staged_skeleton
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.size import Size


@pytest.mark.parametrize(
    ("text", "classes", "side", "params", "flops"),
    [  # nats_bench: fake_torch_dir and the notebook create-query-sss; its FLOPs count the biases of the classifier
        ("8:8:8:8:8", 10, 32, 11_714, 4_481_114),
        ("8:8:8:8:8", 100, 32, 12_524, 4_481_924),
        ("8:8:8:8:8", 120, 16, 12_704, 1_121_336),
        ("8:8:8:16:32", 10, 32, 49_202, 6_840_650),
        ("8:8:8:16:40", 10, 32, 67_378, 7_991_706),
        ("8:8:40:32:40", 10, 32, 144_834, 21_827_994),
        ("8:8:40:32:40", 120, 16, 149_344, 5_461_816),
    ],
)
def test_parameters_and_macs_are_those_of_the_published_table(text, classes, side, params, flops):
    space = Size()
    net = space.network(space.parse(text), Signature((3, side, side), (classes,)))
    assert count_params(net) == params
    assert count_macs(net, (3, side, side)) == flops - classes


def plain(net, images):
    """The network written out for one cell a stage."""
    x = net.stem(images)
    for number, block in enumerate(net.blocks):
        if number % 2:
            x = block(x)
            continue
        conv = {slot: lambda v, e=edge: e.bn(e.conv(F.relu(v))) for slot, edge in block.edges.items() if slot != "3"}
        skip = block.edges["3"]
        one = conv["0"](x)
        two = conv["1"](x) + conv["2"](one)
        shortcut = skip.bn(skip.conv(x)) if isinstance(skip, LinearConvBN) else x
        x = shortcut + conv["4"](one) + conv["5"](two)
    return net.classifier(F.relu(net.head[0](x)).mean((2, 3)))


def network_of(widths, cells, **ends):
    return Network(staged_skeleton("size", TOPOLOGY, widths, cells, **ends), published_edge)


@pytest.mark.parametrize("widths", [(3, 5, 5, 2, 4), (4, 4, 2, 6, 6)])
def test_the_network_computes_what_its_definition_says(widths):
    torch.manual_seed(0)
    net = network_of(widths, 1, in_channels=2, outputs=3).double()
    images = torch.randn(3, 2, 9, 6, dtype=torch.float64)
    torch.testing.assert_close(net(images), plain(net, images))
    changing = [isinstance(net.blocks[place].edges["3"], LinearConvBN) for place in (0, 2, 4)]
    assert changing == [False, widths[1] != widths[2], widths[3] != widths[4]]


def test_every_weight_learns_and_stages_have_as_many_cells_as_asked_for():
    net = network_of((2, 3, 4, 3, 2), 2, in_channels=1, outputs=2)
    assert len(net.blocks) == 8
    net(torch.randn(4, 1, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert [plan.channels for plan in net.skeleton.cells] == [2, 2, 4, 4, 2, 2]
