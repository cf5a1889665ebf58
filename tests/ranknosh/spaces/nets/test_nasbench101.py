"""ranknosh/spaces/nets/nasbench101.py, against published numbers of parameters and a plain formulation of the cell."""

import numpy as np
import pytest
import torch

from ranknosh.spaces.nasbench101 import NasBench101
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.nasbench101 import VertexCell, VertexNetwork, vertex_channels

SPACE = NasBench101()
CONV3, CONV1, POOL = SPACE.operations


def edges_of(text):
    """``0>1 1>2`` as pairs."""
    return tuple((int(source), int(target)) for source, target in (edge.split(">") for edge in text.split()))


def network(text, operations, channels=128, cells=3, in_channels=3, outputs=10):
    names = ("input", *operations, "output")
    return VertexNetwork(edges_of(text), names, channels, cells, in_channels=in_channels, outputs=outputs)


@pytest.mark.parametrize(
    ("text", "operations", "params"),
    [
        # README and notebook of google-research/nasbench: Inception as it is written there, and as the table returns it.
        ("0>1 0>2 0>3 3>4 0>5 1>6 2>6 4>6 5>6", (CONV1, CONV3, CONV3, CONV3, POOL), 2_694_282),
        ("0>1 0>2 0>3 0>4 4>5 1>6 2>6 3>6 5>6", (CONV3, CONV1, POOL, CONV3, CONV3), 2_694_282),
        # Rows of the table that are quoted in public readers of it, and the largest number of the whole table.
        ("0>1 1>2 2>3 0>4 0>5 3>5 4>5 3>6 5>6", (CONV3, POOL, CONV3, CONV3, CONV1), 8_555_530),
        ("0>1 1>2 0>3 1>4 3>4 1>5 4>5 2>6 5>6", (POOL, CONV3, POOL, CONV1, POOL), 3_468_426),
        ("0>1 1>2 2>3 3>4 4>5 5>6 0>2 0>3 0>4", (CONV3,) * 5, 49_979_274),
    ],
)
def test_parameters_are_those_of_the_published_table(text, operations, params):
    with torch.device("meta"):
        assert count_params(network(text, operations)) == params


@pytest.mark.parametrize(
    ("text", "vertices", "c_out", "expected"),
    [  # the cases of model_builder_test.py of google-research/nasbench, the input's own channels left out
        ("0>1 1>2 2>3", 4, 8, (0, 8, 8, 8)),
        ("0>1", 2, 5, (0, 5)),
        ("0>1 0>2 1>3 2>3 3>4", 5, 16, (0, 16, 16, 16, 16)),
        ("0>1 0>2 1>3 2>3", 4, 15, (0, 8, 7, 15)),
        ("0>1 0>2 0>3 1>4 2>4 3>4", 5, 8, (0, 3, 3, 2, 8)),
        ("0>1 1>2 1>3 2>4 3>4", 5, 9, (0, 5, 5, 4, 9)),
        ("0>1 0>3 1>2 1>4 2>3 3>4", 5, 15, (0, 8, 7, 7, 15)),
    ],
)
def test_channels_are_shared_as_published(text, vertices, c_out, expected):
    assert vertex_channels(edges_of(text), vertices, c_out) == expected


def plain_cell(cell, edges, names, x):
    """The cell by its definition: every vertex asks for what enters it."""
    last = len(names) - 1

    def entering(vertex, width):
        terms = [cell.projections[str(vertex)](x)] if (0, vertex) in edges else []
        return terms + [value(source)[:, :width] for source, target in edges if target == vertex and source > 0]

    def value(vertex):
        if vertex < last:
            return cell.operations[str(vertex)](sum(entering(vertex, cell.channels[vertex])))
        feeding = [value(source) for source, target in edges if target == last and source > 0]
        total = torch.cat(feeding, dim=1) if feeding else 0
        return total + cell.projections[str(last)](x) if (0, last) in edges else total

    return value(last)


def test_cells_compute_what_their_definition_says():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    truncated = 0
    for _ in range(40):
        found = SPACE.cell(SPACE.sample(rng))
        cell = VertexCell(found.edges, found.names, 6, 11).double()
        x = torch.randn(2, 6, 5, 4, dtype=torch.float64)
        widths = cell.channels
        truncated += any(widths[s] > widths[t] for s, t in found.edges if s > 0 and t < len(widths) - 1)
        torch.testing.assert_close(cell(x), plain_cell(cell, found.edges, found.names, x))
        assert cell(x).shape == (2, 11, 5, 4)
    assert truncated > 0


@pytest.mark.parametrize("side", [(4, 4), (7, 5), (16, 16)])
def test_every_weight_learns_at_any_size(side):
    net = network(
        "0>1 1>2 2>3 0>4 0>5 3>5 4>5 3>6 5>6", (CONV3, POOL, CONV3, CONV3, CONV1), 5, 1, in_channels=1, outputs=3
    )
    out = net(torch.randn(4, 1, *side))
    assert out.shape == (4, 3)
    out.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def test_maps_shrink_by_two_before_the_second_and_third_stack():
    net = network("0>1 1>2", (CONV1,), channels=8, cells=2)
    sizes = []
    for block in net.blocks:
        if isinstance(block, VertexCell):
            block.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    net(torch.zeros(1, 3, 9, 9))
    assert sizes == [(8, 9, 9)] * 2 + [(16, 5, 5)] * 2 + [(32, 3, 3)] * 2


def test_macs_by_hand():
    """One cell a stack with a projection and a 3x3 convolution, at 8x8, 4x4 and 2x2."""
    net = network("0>1 1>2", (CONV3,), channels=8, cells=1)
    stem = 3 * 8 * 9 * 64
    cells = (8 * 8 + 8 * 8 * 9) * 64 + (8 * 16 + 16 * 16 * 9) * 16 + (16 * 32 + 32 * 32 * 9) * 4
    assert count_macs(net, (3, 8, 8)) == stem + cells + 32 * 10
