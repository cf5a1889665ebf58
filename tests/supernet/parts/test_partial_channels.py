"""supernet/parts/partial_channels.py: against the published formula, written with plain slices."""

import pytest
import torch
from torch.nn import functional

from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Signature
from ranknosh.spaces.mobile import MobileSpace
from ranknosh.spaces.nets.ops import OPERATIONS, source_maps, standalone
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.parts import PartialChannels
from supernet.parts.partial_channels import shuffled
from supernet.states import EdgeStates
from supernet.weightings import NodeSoftmax
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search, triangle


def channel_shuffle(x, groups):
    count, channels, height, width = x.shape
    return x.view(count, groups, channels // groups, height, width).transpose(1, 2).reshape(x.shape)


def random_mix(space, factors=True, requires_grad=False):
    generator = torch.Generator().manual_seed(3)
    theta, edge_factors = {}, {}
    for kind, edges in space.candidates.items():
        edge_factors[kind] = torch.rand(len(edges), generator=generator, dtype=torch.float64)
        raw = torch.rand(len(edges), space.width, generator=generator, dtype=torch.float64)
        theta[kind] = (raw * edge_factors[kind][:, None]).requires_grad_(requires_grad)
        edge_factors[kind].requires_grad_(requires_grad)
    places = EdgeStates(space)
    executed = {kind: places.places(kind) for kind in space.kinds}
    return Mix(theta, executed, Moment(), edge_factors=edge_factors if factors else None)


def slow_edge(edge, x, mix, context, share=4):
    """The formula: operations on the first quarter, the rest beside them, and the shuffle."""
    kept = x.shape[1] // share
    first, rest = x[:, :kept], x[:, kept:]
    if context.stride == 2:
        rest = functional.max_pool2d(rest, 2, 2, ceil_mode=True)
    rest = rest * mix.edge_factors[context.cell_kind][context.edge_index]
    total = torch.zeros_like(rest[:, :kept])
    for place, name in enumerate(edge.inner.at_place):
        if name is None:
            continue
        module = edge.inner.operations[name]
        (source_map,) = source_maps(module)
        if source_map.endswith("_norm"):
            pooled = standalone(OPERATIONS[source_map.split("_norm")[0].removesuffix("_stride2")](1, 1, context.stride))
            value = functional.batch_norm(pooled(first), None, None, training=True)
        else:
            value = standalone(module)(first)
        total = total + mix.theta[context.cell_kind][context.edge_index, place] * value
    return channel_shuffle(torch.cat([total, rest], 1), share)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_a_cell_is_the_formula_with_its_gradients(case, layout):
    space = case()
    net = Supernet(space, parts=(PartialChannels(4),)).double().to(memory_format=layout)
    cell = net.network.blocks[0] if space.name == "nasbench201" else net.network.blocks[1]
    topology, outputs = cell.plan.topology, []
    sources = [
        torch.randn(3, c, 6, 6, dtype=torch.float64).contiguous(memory_format=layout) for c in cell.plan.c_inputs
    ]
    for slow in (False, True):
        mix = random_mix(space, requires_grad=True)
        net.zero_grad()
        net.current.set(mix)
        if slow:
            values = {i: cell.preprocess[i](x) for i, x in enumerate(sources)}
            for slot, context in enumerate(cell.plan.contexts()):
                y = slow_edge(cell.edges[str(slot)], values[context.source], mix, context)
                values[context.target] = values[context.target] + y if context.target in values else y
            out = torch.cat([values[node] for node in topology.outputs], 1)
        else:
            out = cell(*sources)
        out.square().sum().backward()
        kind = cell.plan.kind
        gradients = [mix.theta[kind].grad, mix.edge_factors[kind].grad, *(p.grad for p in cell.parameters())]
        outputs.append([out.detach(), *[torch.zeros(1) if g is None else g.clone() for g in gradients]])
    for a, b in zip(*outputs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_every_operation_sees_a_quarter_of_the_channels():
    space = tiny_darts()
    net = Supernet(space, parts=(PartialChannels(4),), plain=True)
    seen = []
    for name, module in net.named_modules():
        if name.rpartition(".")[0].endswith("operations"):
            cell = net.network.blocks[int(name.split(".")[2])]
            width = cell.plan.channels
            module.register_forward_hook(
                lambda _, inputs, out, w=width: seen.append((inputs[0].shape[1], out.shape[1], w))
            )
    mix = random_mix(space)
    mix.theta = {kind: theta.float() for kind, theta in mix.theta.items()}
    mix.edge_factors = None
    net(torch.randn(2, 3, 8, 8), mix)
    assert len(seen) == 3 * 5 * 7
    assert all(before * 4 == after * 4 == width for before, after, width in seen)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_shuffle_is_a_permutation_that_undoes_its_converse(layout):
    x = torch.randn(2, 12, 3, 5).contiguous(memory_format=layout)
    found = shuffled(x[:, :3].contiguous(memory_format=layout), x[:, 3:])
    assert torch.equal(found, channel_shuffle(x, 4))
    assert found.is_contiguous(memory_format=layout)
    assert torch.equal(channel_shuffle(found, 3), x)
    assert sorted(found[0].sum((1, 2)).tolist()) == sorted(x[0].sum((1, 2)).tolist())


def test_none_passes_the_rest_by_and_a_pruned_edge_passes_nothing():
    space = triangle(("none", "skip_connect"), 4, 1, 3)
    net = Supernet(space, parts=(PartialChannels(4),))
    x = torch.randn(1, 4, 3, 3)
    mix = Mix({"normal": torch.ones(3, 2)}, {"normal": ((), (0,), (0, 1))}, Moment())
    net.current.set(mix)
    rest = x.clone()
    rest[:, 0] = 0
    assert torch.equal(net.network.blocks[0](x), rest)


def test_a_share_of_one_is_the_bare_search():
    first, second = (tiny_search(bare(2, parts=parts)) for parts in ((), (PartialChannels(1),)))
    for _ in range(2):
        assert first.run_epoch().weights_loss == second.run_epoch().weights_loss
    assert torch.equal(first.alphas["normal"], second.alphas["normal"])


def test_it_changes_a_search_and_its_size():
    first, second = (tiny_search(bare(1, parts=parts)) for parts in ((), (PartialChannels(4),)))
    assert first.run_epoch().weights_loss != second.run_epoch().weights_loss
    counts = [sum(p.numel() for p in s.net.network.blocks[0].edges.parameters()) for s in (first, second)]
    assert counts[0] == 16 * counts[1]


def test_decided_edges_weigh_one_with_what_passes_by():
    search = tiny_search(bare(1, parts=(PartialChannels(4),), weighting=NodeSoftmax()))
    search.states.fix("normal", 2, 3)
    search.states.prune("normal", 1)
    mix = search.mix("weights")
    factors = mix.edge_factors["normal"]
    assert factors[1] == 0
    assert factors[2] == 1
    assert 0.3 < float(factors[5].detach()) < 0.4
    assert torch.isfinite(search.net(torch.randn(2, 3, 8, 8), mix)).all()
    search.run_epoch()


@pytest.mark.parametrize("channels", [6, 2])
def test_channels_that_cannot_be_cut_are_told(channels):
    space = tiny_nasbench201(channels)
    with pytest.raises(ConfigError, match=f"4 equal parts, and an edge of the supernet has {channels}"):
        tiny_search(bare(parts=(PartialChannels(4),)), space)
    with pytest.raises(ConfigError, match="give 1 or more"):
        PartialChannels(0)


def test_edges_that_change_their_channels_are_told_what_to_take_instead():
    space = MobileSpace(depths=(1,)).relaxed(Signature((3, 32, 32), (4,)))
    with pytest.raises(
        ConfigError, match=r"keep their channels, and one .* takes 8 to 12; take a method without partial"
    ):
        tiny_search(bare(parts=(PartialChannels(4),)), space)
