"""supernet/edges.py: the mixed network against the discrete one on the same skeleton."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.genotype import OPERATIONS as DARTS_OPERATIONS
from ranknosh.spaces.genotype import parse
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets import build, build_candidate, chosen_genotype, darts_skeleton, skeleton_for
from supernet.edges import EdgeAlphas, weighted_sum

SPACE = NasBench201()
SIZE = NetworkSize(4, 1, 5, 2)
V2 = parse(
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
)


def copy_chosen_weights(mixed, discrete, operation_of):
    """Everything of ``discrete`` out of ``mixed``; ``operation_of(cell, slot)`` names what an edge chose."""
    source = mixed.state_dict()
    picked = {}
    for name in discrete.state_dict():
        parts = name.split(".")
        if parts[0] == "blocks" and parts[2] == "edges":
            chosen = operation_of(discrete.blocks[int(parts[1])], int(parts[3]))
            parts[4:4] = ["operations", chosen]
        picked[name] = source[".".join(parts)]
    discrete.load_state_dict(picked)


@pytest.mark.parametrize("index", [0, 401, 7_777, 12_345, 15_624, 9_300])
@pytest.mark.parametrize("training", [True, False])
def test_one_hot_weights_give_the_discrete_network_exactly(index, training):
    architecture = SPACE.at(index)
    rows = torch.eye(5)[torch.tensor(architecture.code)]
    mixed = build(skeleton_for("nasbench201", SIZE), weighted_sum(SPACE.operations, lambda edge: rows[edge.edge_index]))
    discrete = build_candidate(architecture, SIZE)
    copy_chosen_weights(mixed, discrete, lambda _, slot: SPACE.operations[architecture.code[slot]])
    images = torch.randn(3, 2, 8, 8)
    assert torch.equal(mixed.train(training)(images), discrete.train(training)(images))


def test_one_hot_weights_on_the_darts_skeleton():
    skeleton = darts_skeleton(NetworkSize(4, 3, 5, 2))
    chosen = {kind: V2.edges(kind) for kind in ("normal", "reduce")}

    def operation_of(kind, source, target):
        return chosen[kind].get((source, target), "none")

    def weights(edge):
        return torch.eye(8)[DARTS_OPERATIONS.index(operation_of(edge.cell_kind, edge.source, edge.target))]

    mixed = build(skeleton, weighted_sum(DARTS_OPERATIONS, weights)).eval()
    discrete = build(skeleton, chosen_genotype(V2)).eval()
    copy_chosen_weights(
        mixed, discrete, lambda cell, slot: operation_of(cell.plan.kind, *cell.plan.topology.edges[slot])
    )
    images = torch.randn(2, 2, 8, 8)
    assert torch.allclose(mixed(images), discrete(images), atol=1e-6)


def test_gradients_reach_every_alpha():
    skeleton = skeleton_for("nasbench201", SIZE)
    alphas = EdgeAlphas(skeleton, 5, generator=torch.Generator().manual_seed(0))
    net = build(skeleton, weighted_sum(SPACE.operations, alphas))
    nn.functional.cross_entropy(net(torch.randn(4, 2, 8, 8)), torch.tensor([0, 1, 2, 3])).backward()
    gradient = alphas.alphas["normal"].grad
    assert gradient is not None
    assert gradient.shape == (6, 5)
    assert (gradient != 0).all()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_alphas_are_not_weights_of_the_network():
    skeleton = darts_skeleton(NetworkSize(4, 3, 5, 2))
    alphas = EdgeAlphas(skeleton, 8, generator=torch.Generator().manual_seed(0))
    net = build(skeleton, weighted_sum(DARTS_OPERATIONS, alphas))
    assert {kind: tuple(p.shape) for kind, p in alphas.alphas.items()} == {"normal": (14, 8), "reduce": (14, 8)}
    own = {id(parameter) for parameter in net.parameters()}
    assert not own & {id(parameter) for parameter in alphas.parameters()}


def test_alpha_gradient_by_finite_differences():
    skeleton = skeleton_for("nasbench201", SIZE)
    alphas = EdgeAlphas(skeleton, 5, generator=torch.Generator().manual_seed(0), spread=0.5).double()
    net = build(skeleton, weighted_sum(SPACE.operations, alphas)).double().eval()
    images = torch.randn(2, 2, 6, 6, dtype=torch.float64)

    def value():
        return net(images).square().sum()

    value().backward()
    table = alphas.alphas["normal"]
    rng = np.random.default_rng(0)
    for row, column in zip(rng.integers(6, size=5), rng.integers(5, size=5), strict=True):
        step, sides = 1e-6, []
        for sign in (1, -1):
            with torch.no_grad():
                table[row, column] += sign * step
                sides.append(value().item())
                table[row, column] -= sign * step
        assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(table.grad[row, column].item(), rel=1e-4)


def test_none_takes_weight_and_adds_nothing():
    weights = torch.tensor([0.75, 0.25])
    net = build(skeleton_for("nasbench201", SIZE), weighted_sum(("none", "skip_connect"), lambda _: weights))
    cell = net.blocks[0]
    x = torch.randn(2, 4, 5, 5)
    first = 0.25 * x
    second = 0.25 * x + 0.25 * first
    assert torch.allclose(cell(x), 0.25 * x + 0.25 * first + 0.25 * second)


def test_edges_of_none_alone_carry_nothing():
    net = build(skeleton_for("nasbench201", SIZE), weighted_sum(("none",), lambda _: torch.ones(1)))
    assert not any(net.blocks[0].live)


def test_weights_are_asked_for_at_every_pass():
    weights = torch.tensor([1.0])
    net = build(skeleton_for("nasbench201", SIZE), weighted_sum(("skip_connect",), lambda _: weights)).eval()
    images = torch.randn(2, 2, 8, 8)
    first = net(images)
    weights.fill_(0.5)
    assert not torch.allclose(first, net(images))


def test_a_copy_keeps_its_own_alphas():
    skeleton = skeleton_for("nasbench201", SIZE)
    alphas = EdgeAlphas(skeleton, 5, generator=torch.Generator().manual_seed(0))
    pair = nn.ModuleList([alphas, build(skeleton, weighted_sum(SPACE.operations, alphas)).eval()])
    twin = copy.deepcopy(pair)
    images = torch.randn(2, 2, 8, 8)
    before = pair[1](images)
    with torch.no_grad():
        twin[0].alphas["normal"].normal_()
    assert torch.equal(pair[1](images), before)
    assert not torch.equal(twin[1](images), before)
