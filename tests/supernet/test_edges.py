"""supernet/edges.py and network.py: mixed networks against plain sums and against the discrete networks."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import parse
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from supernet.edges import EdgePart
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.states import EdgeStates
from tests.supernet_cases import tiny_darts, tiny_nasbench201, triangle

SPACE = NasBench201()
V2 = parse(
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
    "reduce=[('sep_conv_5x5', 0), ('dil_conv_5x5', 1), ('skip_connect', 2), ('sep_conv_3x3', 1), ('skip_connect', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('sep_conv_3x3', 1)], reduce_concat=range(2, 6))"
)
"""No pooling: those of the supernet are followed by a batch norm, those of a derived network are not."""


def mix_of(space, theta, executed=None):
    places = EdgeStates(space)
    return Mix(theta, executed or {kind: places.places(kind) for kind in space.kinds}, Moment())


def random_theta(space, dtype=torch.float32, requires_grad=False):
    generator = torch.Generator().manual_seed(5)
    return {
        kind: torch.rand(len(edges), space.width, generator=generator, dtype=dtype).requires_grad_(requires_grad)
        for kind, edges in space.candidates.items()
    }


def copy_chosen_weights(mixed, discrete, operation_of):
    """Everything of ``discrete`` out of ``mixed``; ``operation_of(cell, slot)`` names what an edge chose."""
    source = mixed.state_dict()
    picked = {}
    for name in discrete.state_dict():
        parts = name.split(".")
        if parts[0] == "blocks" and parts[2] == "edges":
            cell, slot = discrete.blocks[int(parts[1])], int(parts[3])
            whole = mixed.blocks[int(parts[1])].plan.topology.edges
            parts[3] = str(whole.index(cell.plan.topology.edges[slot]))
            parts[4:4] = ["operations", operation_of(cell, slot)]
        picked[name] = source[".".join(parts)]
    discrete.load_state_dict(picked)


@pytest.mark.parametrize("index", [0, 401, 7_777, 12_345, 15_624, 9_300])
@pytest.mark.parametrize("training", [True, False])
def test_one_hot_weights_give_the_discrete_network(index, training):
    architecture = list(SPACE.enumerate())[index]
    net = Supernet(SPACE.scaled(channels=4).relaxed(Signature((2, 8, 8), (5,))), affine=True, running_statistics=True)
    discrete = SPACE.scaled(channels=4).network(architecture, Signature((2, 8, 8), (5,)))
    copy_chosen_weights(net.network, discrete, lambda _, slot: SPACE.operations[architecture.code[slot]])
    mix = mix_of(net.space, {"normal": torch.eye(5)[torch.tensor(architecture.code)]})
    images = torch.randn(3, 2, 8, 8)
    expected = discrete.train(training)(images)
    assert torch.allclose(net.train(training)(images, mix), expected, atol=1e-6)


def test_one_hot_weights_on_the_darts_skeleton():
    space = Darts(4, 3).relaxed(Signature((2, 8, 8), (5,)))
    net = Supernet(space, affine=True, running_statistics=True).eval()
    derived = Darts(4, 3)
    architecture = derived.of_genotype(V2)
    picks = {kind: derived.picks(architecture, kind) for kind in ("normal", "reduce")}
    chosen = {kind: {(source, target): name for name, source, target in row} for kind, row in picks.items()}
    edges = space.topology("normal").edges
    rows = {kind: [chosen[kind].get(edge, "none") for edge in edges] for kind in chosen}
    names = space.candidates["normal"][0]
    theta = {kind: torch.eye(8)[[names.index(name) for name in row]] for kind, row in rows.items()}
    discrete = derived.network(architecture, Signature((2, 8, 8), (5,))).eval()
    copy_chosen_weights(net.network, discrete, lambda cell, slot: picks[cell.plan.kind][slot][0])
    images = torch.randn(2, 2, 8, 8)
    assert torch.allclose(net(images, mix_of(space, theta)), discrete(images), atol=1e-5)


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_fast_pass_is_the_plain_sum_with_its_gradients(case, layout):
    """Folded weights, sums in place and inner products against modules called one by one, in float64."""
    space = case()
    fast = Supernet(space).double().to(memory_format=layout)
    plain = Supernet(space, plain=True).double()
    assert all(torch.equal(a, b) for a, b in zip(fast.parameters(), plain.parameters(), strict=True))
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    found = []
    for net in (fast, plain):
        theta = random_theta(space, torch.float64, requires_grad=True)
        logits = net(images.contiguous(memory_format=layout), mix_of(space, theta))
        functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3])).backward()
        found.append([logits, *(t.grad for t in theta.values()), *(p.grad for p in net.parameters())])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert torch.allclose(a, b, rtol=1e-10, atol=1e-13)


def test_none_takes_weight_and_adds_nothing():
    space = triangle(("none", "skip_connect"))
    net = Supernet(space)
    cell = net.network.blocks[0]
    theta = {"normal": torch.tensor([[0.75, 0.25]] * 3)}
    x = torch.randn(2, 4, 5, 5)
    net.current.set(mix_of(space, theta))
    first = 0.25 * x
    assert torch.allclose(cell(x), 0.25 * x + 0.25 * first)


def test_gradients_reach_every_weight_and_theta():
    space = tiny_nasbench201()
    net = Supernet(space)
    theta = random_theta(space, requires_grad=True)
    functional.cross_entropy(net(torch.randn(4, 3, 8, 8), mix_of(space, theta)), torch.tensor([0, 1, 2, 3])).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    gradient = theta["normal"].grad
    assert (gradient[:, 0] == 0).all()
    assert (gradient[:, 1:] != 0).all()


def test_only_what_is_executed_runs():
    space = tiny_nasbench201()
    net = Supernet(space)
    calls = []
    for name, module in net.named_modules():
        if name.rpartition(".")[0].endswith("operations"):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    one_path = ((1,), (2,), (0,), (4,), (3,), (3,))
    net(torch.randn(2, 3, 8, 8), mix_of(space, random_theta(space), {"normal": one_path}))
    names = [call.split(".")[-1] for call in calls if call.startswith("network.blocks.0.")]
    assert names == ["skip_connect", "nor_conv_1x1", "avg_pool_3x3", "nor_conv_3x3", "nor_conv_3x3"]
    calls.clear()
    net(torch.randn(2, 3, 8, 8), mix_of(space, random_theta(space)))
    assert len([call for call in calls if call.startswith("network.blocks.0.")]) == 6 * 4


def test_an_unfed_node_passes_nothing_on():
    space = tiny_nasbench201()
    net = Supernet(space)
    cut = ((), (3,), (2,), (), (1,), (1,))  # node 1 gets nothing, so neither edge that leaves it carries anything
    same = ((), (3,), (), (), (), (1,))
    images = torch.randn(2, 3, 8, 8)
    theta = random_theta(space)
    with net.kept_buffers():
        first = net(images, mix_of(space, theta, {"normal": cut}))
    with net.kept_buffers():
        second = net(images, mix_of(space, theta, {"normal": same}))
    assert torch.equal(first, second)
    nothing = net(images, mix_of(space, theta, {"normal": ((),) * 6}))
    assert torch.isfinite(nothing).all()


def test_a_scalar_is_added_to_an_edge_and_learns():
    space = triangle(("skip_connect",))
    net = Supernet(space)
    theta = {"normal": torch.ones(3, 1)}
    scalars = torch.tensor([0.5, 0.0, 0.0], requires_grad=True)
    mix = mix_of(space, theta)
    mix.scalars = {"normal": scalars}
    net.current.set(mix)
    x = torch.randn(1, 4, 3, 3)
    out = net.network.blocks[0](x)
    assert torch.allclose(out, x + (x + 0.5))
    out.sum().backward()
    assert torch.allclose(scalars.grad, torch.full((3,), float(x.numel())))


def test_a_part_may_replace_operations_and_wrap_edges():
    class Doubled(nn.Module):
        reads_lazily = True

        def __init__(self, inner):
            super().__init__()
            self.inner, self.takes = inner, inner.takes

        def forward(self, read):
            return 2 * self.inner(read)

    class Part(EdgePart):
        def operation(self, name, context, make, current):
            return make("skip_connect" if name == "nor_conv_1x1" else name, context)

        def edge(self, context, inner, current):
            return Doubled(inner(context))

    space = triangle(("nor_conv_1x1", "none"))
    net = Supernet(space, parts=(Part(),))
    net.current.set(mix_of(space, {"normal": torch.ones(3, 2)}))
    x = torch.randn(1, 4, 3, 3)
    assert torch.allclose(net.network.blocks[0](x), 2 * x + 2 * (2 * x))
    images, mix = torch.randn(3, 3, 8, 8), mix_of(space, random_theta(space))
    neutral, bare = Supernet(space, parts=(EdgePart(),)), Supernet(space)
    assert torch.equal(neutral(images, mix), bare(images, mix))


def test_batch_norms_of_the_search_have_no_scale_and_keep_no_statistics():
    space = tiny_darts()
    norms = [m for cell in Supernet(space).network.blocks for m in cell.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert all(norm.weight is None and norm.running_mean is None for norm in norms)
    kept = Supernet(space, affine=True, running_statistics=True)
    norms = [m for cell in kept.network.blocks for m in cell.edges.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(norm.weight is not None and norm.running_mean is not None for norm in norms)


def test_running_statistics_move_with_and_without_folding():
    space = tiny_nasbench201()
    images = torch.randn(4, 3, 8, 8)
    nets = [Supernet(space, running_statistics=True, plain=plain) for plain in (False, True)]
    for net in nets:
        net(images, mix_of(space, random_theta(space)))
    for (name, a), (_, b) in zip(nets[0].named_buffers(), nets[1].named_buffers(), strict=True):
        assert torch.allclose(a.double(), b.double(), atol=1e-5), name
    with nets[0].kept_buffers():
        before = copy.deepcopy(dict(nets[0].named_buffers()))
        nets[0](torch.randn(4, 3, 8, 8), mix_of(space, random_theta(space)))
        assert not all(torch.equal(before[name], buffer) for name, buffer in nets[0].named_buffers())
    assert all(torch.equal(before[name], buffer) for name, buffer in nets[0].named_buffers())


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_alone():
    space = tiny_nasbench201()
    state = torch.get_rng_state()
    a, b, c = (Supernet(space, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(a.parameters(), c.parameters(), strict=True))


def test_a_copy_runs_its_own_passes():
    space = tiny_nasbench201()
    net = Supernet(space).eval()
    twin = copy.deepcopy(net)
    images, mix = torch.randn(2, 3, 8, 8), mix_of(space, random_theta(space))
    assert torch.equal(twin(images, mix), net(images, mix))
    with torch.no_grad():
        next(twin.parameters()).add_(1)
    assert not torch.equal(twin(images, mix), net(images, mix))


def test_a_mix_looked_at_without_gradients_still_has_them():
    space = tiny_nasbench201()
    net = Supernet(space)
    theta = random_theta(space, requires_grad=True)
    mix, images = mix_of(space, theta), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        looked = net(images, mix)
    logits = net(images, mix)
    assert torch.equal(looked, logits)
    logits.sum().backward()
    assert theta["normal"].grad is not None
