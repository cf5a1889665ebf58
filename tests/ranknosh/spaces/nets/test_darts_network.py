"""ranknosh/spaces/nets on the DARTS cell and its genotypes."""

import pytest
import torch
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.genotype import Genotype, parse
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.nets.network import Cell
from tests.networks import genotype_network

V2 = parse(
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
)
EVERYTHING = Genotype(
    normal=(
        *(("sep_conv_5x5", 0), ("dil_conv_5x5", 1)),
        *(("sep_conv_7x7", 0), ("conv_7x1_1x7", 2)),
        *(("avg_pool_3x3", 1), ("max_pool_3x3", 3)),
        *(("none", 0), ("skip_connect", 4)),
    ),
    normal_concat=(3, 4, 5),
    reduce=(
        *(("sep_conv_5x5", 0), ("dil_conv_5x5", 1)),
        *(("sep_conv_7x7", 0), ("conv_7x1_1x7", 1)),
        *(("avg_pool_3x3", 1), ("max_pool_3x3", 3)),
        *(("dil_conv_3x3", 0), ("skip_connect", 1)),
    ),
    reduce_concat=(2, 3, 4, 5),
)
SIZE = (4, 4, 6)


def test_params_of_the_published_network():
    with torch.device("meta"):
        net = genotype_network(V2, 36, 20, 10)
    assert count_params(net) == 3_349_342  # "3.3 M" in the paper, without the auxiliary head


def test_where_channels_change():
    plans = genotype_network(V2, 16, 8, 10).skeleton.cells
    assert [plan.kind for plan in plans] == ["normal"] * 2 + ["reduce"] + ["normal"] * 2 + ["reduce"] + ["normal"] * 2
    assert [plan.channels for plan in plans] == [16, 16, 32, 32, 32, 64, 64, 64]
    assert [plan.c_inputs for plan in plans[:4]] == [(48, 48), (48, 64), (64, 64), (64, 128)]
    assert [plan.preprocess[0] for plan in plans] == ["conv"] * 3 + ["reduce"] + ["conv"] * 2 + ["reduce", "conv"]
    strides = {(context.source, context.stride) for context in plans[2].contexts()}
    assert strides == {(0, 2), (1, 2), (2, 1)}  # no edge of this cell leaves a later node


@pytest.mark.parametrize("genotype", [V2, EVERYTHING])
@pytest.mark.parametrize("side", [8, 9, 15])
def test_shapes_and_gradients(genotype, side):
    net = genotype_network(genotype, *SIZE)
    logits = net(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 6)
    logits.square().sum().backward()
    last = [block for block in net.blocks if isinstance(block, Cell)][-1]
    idle = {
        name
        for name, parameter in net.named_parameters()
        if parameter.grad is None or not torch.isfinite(parameter.grad).all()
    }
    assert idle == set()
    assert last.plan.c_out == net.classifier.in_features


def test_a_cell_against_its_definition():
    """Two nodes, written out by hand: each is the sum of two operations with their own ReLU and pooling."""
    genotype = Genotype(
        normal=(("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 0), ("dil_conv_3x3", 2)),
        normal_concat=(2, 3),
        reduce=(("skip_connect", 0), ("max_pool_3x3", 1), ("avg_pool_3x3", 0), ("sep_conv_3x3", 2)),
        reduce_concat=(2, 3),
    )
    net = genotype_network(genotype, 4, 3, 5).eval()
    relu, functional = torch.relu, nn.functional
    normal, reduction = net.blocks[0], net.blocks[1]
    a, b = torch.randn(2, 12, 6, 6), torch.randn(2, 12, 6, 6)
    s0, s1 = normal.preprocess[0](a), normal.preprocess[1](b)
    slot = {edge: str(number) for number, edge in enumerate(normal.plan.topology.edges)}
    n2 = normal.edges[slot[0, 2]].layers(relu(s0)) + s1
    n3 = functional.max_pool2d(s0, 3, 1, 1) + normal.edges[slot[2, 3]].layers(relu(n2))
    assert torch.equal(normal(a, b), torch.cat([n2, n3], dim=1))

    b = torch.randn(2, 8, 6, 6)
    s0, s1 = reduction.preprocess[0](a), reduction.preprocess[1](b)
    skip = reduction.edges[slot[0, 2]]
    rectified = relu(s0)
    halves = [skip.conv_even(rectified), skip.conv_odd(rectified[:, :, 1:, 1:])]
    n2 = skip.bn(torch.cat(halves, dim=1)) + functional.max_pool2d(s1, 3, 2, 1)
    pooled = functional.avg_pool2d(s0, 3, 2, 1, count_include_pad=False)
    n3 = pooled + reduction.edges[slot[2, 3]].layers(relu(n2))
    out = reduction(a, b)
    assert torch.equal(out, torch.cat([n2, n3], dim=1))
    assert out.shape == (2, 16, 3, 3)


def test_a_dead_node_is_zeros_of_the_right_shape():
    genotype = Genotype(
        normal=(("skip_connect", 0), ("skip_connect", 1), ("none", 0), ("none", 1)),
        normal_concat=(2, 3),
        reduce=(("none", 0), ("none", 1), ("max_pool_3x3", 0), ("none", 1)),
        reduce_concat=(2, 3),
    )
    net = genotype_network(genotype, 4, 3, 5)
    reduction = net.blocks[1]
    out = reduction(torch.randn(2, 12, 7, 7), torch.randn(2, 8, 7, 7))
    assert out.shape == (2, 16, 4, 4)
    assert (out[:, :8] == 0).all()
    assert (out[:, 8:] != 0).any()
    assert net(torch.randn(2, 3, 7, 7)).shape == (2, 5)


def test_cells_of_unequal_size_are_refused():
    uneven = Genotype(V2.normal, V2.normal_concat, V2.reduce[:4], (2, 3))
    with pytest.raises(SpaceError, match="the reduce cell has 2 nodes, and cells of darts have 4"):
        genotype_network(uneven)
