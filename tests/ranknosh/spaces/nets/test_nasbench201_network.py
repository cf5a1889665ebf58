"""ranknosh/spaces/nets on NAS-Bench-201, against a plain formulation of the cell that runs every edge."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ranknosh.errors import ConfigError, SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.network import Cell
from ranknosh.spaces.signature import Signature
from tests.networks import network_of

SPACE = NasBench201()
TABLE = Path(__file__).parents[5] / "shared" / "data" / "nasbench201_cifar10.npz"
SMALL = (4, 1, 5, 2)
ALL_CONV = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
ALL_NONE = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
DANGLING = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
UNFED = "|none~0|+|none~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def plain_edge(op, x, edge):
    """The operation as defined, on its own, whatever other edges do."""
    if op == "none":
        return torch.zeros_like(x)
    if op == "skip_connect":
        return x
    if op == "avg_pool_3x3":
        return nn.functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    return edge.bn(edge.conv(torch.relu(x)))


def plain_cell(cell, ops, x):
    """Every edge of every node, in slot order."""
    nodes = [x]
    slot = 0
    for target in range(1, 4):
        terms = []
        for source in range(target):
            edge = cell.edges[str(slot)] if ops[slot].startswith("nor_conv") else None
            terms.append(plain_edge(ops[slot], nodes[source], edge))
            slot += 1
        nodes.append(sum(terms))
    return nodes[3]


def plain_network(net, ops, images):
    x = net.stem(images)
    for block in net.blocks:
        x = plain_cell(block, ops, x) if isinstance(block, Cell) else block(x)
    return net.classifier(net.head(x).mean(dim=(2, 3)))


def shake(net, generator, biases):
    """Batch norms away from their initial state; biases only where no edge leaves an unfed node (docstring of Cell)."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(torch.rand(module.weight.shape, generator=generator) + 0.5)
                module.running_var.copy_(torch.rand(module.weight.shape, generator=generator) + 0.5)
                if biases:
                    module.bias.copy_(torch.randn(module.weight.shape, generator=generator))


def cases():
    rng = np.random.default_rng(0)
    drawn = [SPACE.format(SPACE.sample(rng)) for _ in range(25)]
    return [ALL_CONV, ALL_NONE, DANGLING, UNFED, *drawn]


@pytest.mark.parametrize("text", cases())
@pytest.mark.parametrize("training", [True, False])
def test_lean_execution_gives_exactly_the_plain_numbers(text, training):
    architecture = SPACE.parse(text)
    ops = [SPACE.operations[op] for op in architecture.code]
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = network_of(architecture, *SMALL)
    shake(net, generator, biases=all(net.blocks[0].live))
    net.train(training)
    images = torch.randn(3, 2, 8, 8, generator=generator)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    lean_logits = net(images)
    net.load_state_dict(state)
    plain = plain_network(net, ops, images)
    assert torch.allclose(lean_logits, plain, atol=1e-6)
    for block in (b for b in net.blocks if isinstance(b, Cell)):
        x = torch.randn(2, block.plan.channels, 6, 6, generator=generator)
        before = {name: value.clone() for name, value in block.state_dict().items()}
        lean_out = block(x)
        block.load_state_dict(before)
        assert torch.equal(lean_out, plain_cell(block, ops, x))


def test_gradients_agree_with_the_plain_formulation():
    generator = torch.Generator().manual_seed(2)
    for text in (ALL_CONV, *cases()[4:12]):
        architecture = SPACE.parse(text)
        ops = [SPACE.operations[op] for op in architecture.code]
        net = network_of(architecture, *SMALL).double()
        images = torch.randn(3, 2, 8, 8, generator=generator, dtype=torch.float64)
        labels = torch.tensor([0, 1, 4])
        gradients = []
        for run in (net, lambda x, net=net, ops=ops: plain_network(net, ops, x)):
            net.zero_grad()
            nn.functional.cross_entropy(run(images), labels).backward()
            gradients.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in net.parameters()])
        live = {name for name, _ in net.named_parameters()} - idle_names(net)
        for (name, _), lean, plain in zip(net.named_parameters(), *gradients, strict=True):
            if name in live:
                assert torch.allclose(lean, plain, atol=1e-10), name


def idle_names(net):
    """Names of parameters of edges that are not executed."""
    return {
        f"blocks.{number}.edges.{slot}.{name}"
        for number, block in enumerate(net.blocks)
        if isinstance(block, Cell)
        for slot, edge in block.edges.items()
        if not block.live[int(slot)]
        for name, _ in edge.named_parameters()
    }


@pytest.mark.parametrize("text", [ALL_CONV, DANGLING, UNFED])
def test_gradient_reaches_every_executed_parameter_and_no_other(text):
    net = network_of(SPACE.parse(text), *SMALL)
    nn.functional.cross_entropy(net(torch.randn(4, 2, 8, 8)), torch.tensor([0, 1, 2, 3])).backward()
    without = {name for name, parameter in net.named_parameters() if parameter.grad is None}
    assert without == idle_names(net)
    assert bool(without) == (text != ALL_CONV)


def test_a_map_is_computed_once_for_all_edges_that_take_it():
    net = network_of(SPACE.parse(ALL_CONV), *SMALL)
    calls = []
    for module in net.blocks[0].modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda *_: calls.append(1))
    net(torch.randn(2, 2, 8, 8))
    assert len(calls) == 3  # nodes 0, 1 and 2; the plain cell has six


def test_an_unfed_convolution_adds_nothing_even_after_training():
    net = network_of(SPACE.parse(UNFED), *SMALL).eval()
    images = torch.randn(2, 2, 8, 8)
    before = net(images)
    with torch.no_grad():
        for slot in ("2", "4", "5"):
            net.blocks[0].edges[slot].bn.bias.fill_(3.0)
    assert torch.equal(net(images), before)


@pytest.mark.parametrize("side", [(4, 4), (5, 5), (7, 6), (8, 8), (15, 9), (32, 32)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "text", [ALL_CONV, ALL_NONE, "|skip_connect~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|"]
)
def test_any_image(side, channels, text):
    net = network_of(SPACE.parse(text), 4, 1, 7, channels)
    logits = net(torch.randn(2, channels, *side))
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()
    logits.sum().backward()


def test_a_dead_cell_passes_zeros():
    net = network_of(SPACE.parse(ALL_NONE), *SMALL)
    cell = net.blocks[0]
    assert torch.equal(cell(torch.ones(2, 4, 5, 6)), torch.zeros(2, 4, 5, 6))
    assert count_params(cell) == 0


def test_channels_last_gives_the_same_logits_and_keeps_the_format():
    net = network_of(SPACE.parse(cases()[5]), *SMALL).double().eval()
    images = torch.randn(3, 2, 8, 8, dtype=torch.float64)
    expected = net(images)
    seen = []
    net.to(memory_format=torch.channels_last)
    net.blocks[0].register_forward_hook(
        lambda _, __, out: seen.append(out.is_contiguous(memory_format=torch.channels_last))
    )
    assert torch.allclose(net(images.contiguous(memory_format=torch.channels_last)), expected, atol=1e-12)
    assert seen == [True]


def test_cells_with_one_id_compute_one_function():
    """Convolutions of equal expressions get equal weights; then equal ids must mean equal logits, and others not."""
    by_id = {}
    for architecture in list(SPACE.enumerate())[::7]:
        by_id.setdefault(SPACE.canonical(architecture), []).append(architecture)
    twins = [group[:3] for group in by_id.values() if len(group) > 2 and not SPACE.is_dead(group[0])][:12]
    images = torch.randn(2, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    outputs = [[logits_with_weights_by_expression(a, images) for a in group] for group in twins]
    for group in outputs:
        assert all(torch.allclose(group[0], other, atol=1e-9) for other in group)
    firsts = [group[0] for group in outputs]
    assert not any(torch.allclose(a, b, atol=1e-6) for i, a in enumerate(firsts) for b in firsts[:i])


def logits_with_weights_by_expression(architecture, images):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        reference = network_of(SPACE.parse(ALL_NONE), *SMALL).double()
        net = network_of(architecture, *SMALL).double()
    net.load_state_dict(reference.state_dict(), strict=False)
    for number, cell in enumerate(block for block in net.blocks if isinstance(block, Cell)):
        nodes = ["0"]
        for target in range(1, 4):
            terms = []
            for slot in SPACE.topology.incoming(target):
                op, source = SPACE.operations[architecture.code[slot]], nodes[SPACE.topology.edges[slot][0]]
                if op == "none" or not source:
                    continue
                if op == "skip_connect":
                    terms += source.split("+") if "(" not in source else top_level_terms(source)
                    continue
                terms.append(f"({source})@{op}")
                if op.startswith("nor_conv"):
                    seed = int.from_bytes(f"{number}{terms[-1]}".encode(), "big") % (2**31)
                    weight = cell.edges[str(slot)].conv.weight
                    draw = torch.randn(weight.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
                    weight.data.copy_(draw * 0.3)
            nodes.append("+".join(sorted(terms)))
    return net.eval()(images).detach()


def top_level_terms(expression):
    terms, depth = [""], 0
    for character in expression:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "+" and depth == 0:
            terms.append("")
        else:
            terms[-1] += character
    return terms


def expected_params(text, channels, cells, classes, in_channels=3):
    """The published count: every convolution of the cell, whether or not something flows through it."""
    stem = in_channels * channels * 9 + 2 * channels
    total = stem + 2 * (4 * channels) + (4 * channels + 1) * classes
    for stage in range(3):
        c = channels * 2**stage
        conv = {"nor_conv_1x1": c * c + 2 * c, "nor_conv_3x3": 9 * c * c + 2 * c}
        total += cells * sum(text.count(name) * size for name, size in conv.items())
        if stage:
            total += (c // 2) * c * 9 + 2 * c + c * c * 9 + 2 * c + (c // 2) * c
    return total


@pytest.mark.parametrize("text", [ALL_CONV, ALL_NONE, DANGLING, UNFED])
@pytest.mark.parametrize("size", [(16, 5, 10), (8, 1, 10, 1), (6, 2, 3, 2)])
def test_params_by_hand(text, size):
    with torch.device("meta"):
        net = network_of(SPACE.parse(text), *size)
    assert count_params(net) == expected_params(text, *size)


def test_params_of_two_published_extremes():
    with torch.device("meta"):
        assert count_params(network_of(SPACE.parse(ALL_CONV), 16, 5, 10)) == 1_531_546
        assert count_params(network_of(SPACE.parse(ALL_NONE), 16, 5, 10)) == 73_306


@pytest.fixture(scope="module")
def table():
    """Cells of the published table and their parameters."""
    if not TABLE.exists():
        pytest.skip(f"the NAS-Bench-201 table is not at {TABLE}")
    arrays = np.load(TABLE)
    params = np.round(arrays["params_mb"].astype(float) * 1e6).astype(int)
    return [SPACE.parse(text.decode()) for text in arrays["arch"]], params


def published_expression(cell):
    """The paper's rule of sameness: a skip edge is its source, and what is zero is written ``#``, also in a sum."""
    nodes = ["0"]
    for target in range(1, 4):
        terms = []
        for op, (source, to) in zip(cell.code, SPACE.topology.edges, strict=True):
            if to == target:
                zero = op == 0 or nodes[source] == "#"
                terms.append("#" if zero else nodes[source] if op == 1 else f"({nodes[source]})@{SPACE.operations[op]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


def test_every_row_of_the_published_table(table):
    """All but 150 rows agree; those stand for a twin under the published rule of sameness, and name its parameters."""
    cells, published = table
    counted = np.array([expected_params(SPACE.format(cell), 16, 5, 10) for cell in cells])
    twins = {}
    for cell, params in zip(cells, counted.tolist(), strict=True):
        twins.setdefault(published_expression(cell), set()).add(params)
    differing = np.flatnonzero(counted != published)
    assert len(differing) == 150
    assert len(twins) == 6_466
    assert all(published[row] in twins[published_expression(cells[row])] for row in differing)


def test_built_networks_have_the_published_params(table):
    cells, published = table
    for row in np.random.default_rng(0).choice(15_625, size=20, replace=False):
        with torch.device("meta"):
            net = network_of(cells[row], 16, 5, 10)
        assert count_params(net) == expected_params(SPACE.format(cells[row]), 16, 5, 10) == published[row]


def test_macs_of_the_largest_cell():
    """220.12 M, the published figure; dead convolutions cost nothing."""
    net = network_of(SPACE.parse(ALL_CONV), 16, 5, 10)
    assert count_macs(net, (3, 32, 32)) == 220_119_680
    alive = SPACE.parse("|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|")
    costs = {
        count_macs(network_of(a, *SMALL), (2, 8, 8))
        for a in (alive, SPACE.parse(DANGLING.replace("avg_pool_3x3", "none")))
    }
    assert len(costs) == 1


def test_same_random_state_same_weights():
    def weights(seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return torch.cat([p.detach().flatten() for p in network_of(SPACE.parse(ALL_CONV), *SMALL).parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_mismatched_architecture_is_refused():
    with pytest.raises(SpaceError, match="darts"):
        SPACE.network(Architecture("darts", (0,) * 6), Signature((3, 8, 8), (2,)))
    for code in ((0,) * 5, (0, 0, 0, 0, 0, 7)):
        with pytest.raises(SpaceError, match="one option of every slot"):
            network_of(Architecture("nasbench201", code))
    with pytest.raises(ConfigError, match="did you mean nasbench101"):
        network_of(Architecture("nasbench102", (0,) * 6), *SMALL)


@pytest.mark.parametrize("bad", [{"channels": 0}, {"cells": 0}, {"cells": True}, {"channels": "8"}])
def test_impossible_sizes_are_refused(bad):
    with pytest.raises(SpaceError, match=f"{next(iter(bad))} is .* it is a whole number, at least 1"):
        get_space("nasbench201", **bad)


@pytest.mark.parametrize("shapes", [((12,), (2,)), ((3, 8, 8), (2, 8, 8))])
def test_signatures_that_are_not_of_images_and_a_row_of_outputs_are_refused(shapes):
    with pytest.raises(SpaceError, match="nasbench201 builds networks"):
        SPACE.network(SPACE.parse(ALL_CONV), Signature(*shapes))
