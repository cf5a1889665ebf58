"""ranknosh/spaces/nets/chain.py, against numbers of the published table and a plain formulation."""

import pytest
import torch
import torch.nn.functional as F

from ranknosh.spaces.chain import Chain
from ranknosh.spaces.nets.chain import ChainNetwork, make_layer
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.signature import Signature


@pytest.mark.parametrize(
    ("text", "params", "flops"),
    [  # nas-bench-macro_cifar10.json; 22212220 has the best mean accuracy
        ("00000000", 387_882, 7_713_280),
        ("11111111", 1_588_874, 53_246_464),
        ("22222222", 2_932_586, 105_660_928),
        ("12220102", 1_703_690, 67_955_200),
        ("01210120", 1_546_474, 47_933_952),
        ("22212220", 1_985_514, 85_164_544),
    ],
)
def test_parameters_and_macs_are_those_of_the_published_table(text, params, flops):
    space = Chain()
    net = space.network(space.parse(text), Signature((3, 32, 32), (10,)))
    assert count_params(net) == params
    assert count_macs(net, (3, 32, 32)) == flops


def chosen(names):
    return lambda at: make_layer(names[at.edge_index], at)


def plain_block(block, x):
    """Expand, depthwise, project, each with its batch norm."""
    (expand, norm1, _), (depthwise, norm2, _), (project, norm3) = block.expand, block.depthwise, block.project
    out = F.relu(norm1(expand(x)))
    out = F.relu(norm2(F.conv2d(out, depthwise.weight, None, depthwise.stride, depthwise.padding, 1, out.shape[1])))
    out = norm3(project(out))
    return out + x if out.shape == x.shape else out


def test_the_network_computes_what_its_definition_says():
    torch.manual_seed(0)
    names = ("mb3_k3", "identity", "identity", "mb6_k5", "mb3_k3")
    net = ChainNetwork((2, 3), 2, 5, chosen(names), in_channels=1, outputs=3).double()
    images = torch.randn(3, 1, 9, 6, dtype=torch.float64)
    x = F.relu(net.stem[1](F.conv2d(images, net.stem[0].weight, padding=1)))
    x = plain_block(net.layers[0], x)
    assert x.shape == (3, 4, 5, 3)
    x = net.layers[2][1](F.conv2d(x, net.layers[2][0].weight, stride=2))
    assert x.shape == (3, 8, 3, 2)
    x = plain_block(net.layers[4], plain_block(net.layers[3], x))
    x = F.relu(net.head[1](F.conv2d(x, net.head[0].weight)))
    torch.testing.assert_close(net(images), net.classifier(x.mean((2, 3))))


def test_every_weight_learns():
    net = ChainNetwork((2, 2), 3, 7, chosen(("mb6_k5", "mb3_k3", "identity", "mb6_k5")), in_channels=2, outputs=4)
    out = net(torch.randn(5, 2, 8, 11))
    assert out.shape == (5, 4)
    out.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters())
