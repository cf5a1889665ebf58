"""supernet/parts/auxiliary_skip.py: what it adds, and that it adds nothing where it should not."""

import copy

import pytest
import torch
from torch import nn

from ranknosh.spaces.nets.ops import FactorizedReduce
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.parts import AuxiliarySkip
from supernet.schedules import Constant, Linear
from supernet.states import EdgeStates
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search, triangle


def even_mix(space, epoch=0, epochs=1):
    theta = {kind: torch.full((len(edges), space.width), 0.5) for kind, edges in space.candidates.items()}
    places = EdgeStates(space)
    return Mix(theta, {kind: places.places(kind) for kind in space.kinds}, Moment(epoch, epochs))


def cell_output(net, mix, x):
    net.current.set(mix)
    return net.network.blocks[0](x)


def test_every_edge_adds_beta_times_its_input():
    space = triangle(("none", "skip_connect"), 4, 1, 3)
    net = Supernet(space, parts=(AuxiliarySkip(Constant(0.25)),))
    x = torch.randn(2, 4, 5, 5)
    first = (0.5 + 0.25) * x
    expected = (0.5 + 0.25) * x + (0.5 + 0.25) * first
    torch.testing.assert_close(cell_output(net, even_mix(space), x), expected)


def test_an_edge_that_runs_none_alone_still_has_the_skip_and_a_pruned_one_has_not():
    space = triangle(("none", "skip_connect"), 4, 1, 3)
    net = Supernet(space, parts=(AuxiliarySkip(Constant(0.25)),))
    x = torch.randn(2, 4, 5, 5)
    mix = even_mix(space)
    mix.executed = {"normal": ((0,), (0,), ())}
    torch.testing.assert_close(cell_output(net, mix, x), 0.25 * x)
    mix.executed = {"normal": ((), (1,), (1,))}
    torch.testing.assert_close(cell_output(net, mix, x), 0.75 * x)


@pytest.mark.parametrize("inclusive", [False, True])
def test_beta_follows_the_epochs(inclusive):
    space = triangle(("none",), 4, 1, 3)
    net = Supernet(space, parts=(AuxiliarySkip(Linear(1.0, 0.0, inclusive)),))
    x = torch.ones(1, 4, 2, 2)
    found = []
    for epoch in range(5):
        out = cell_output(net, even_mix(space, epoch, 5), x)
        found.append(0.0 if out.abs().sum() == 0 else float(out.mean()))
    betas = [1 - epoch / (4 if inclusive else 5) for epoch in range(5)]
    assert found == pytest.approx([beta + beta**2 for beta in betas])


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_at_zero_the_search_is_the_bare_one_bit_for_bit(case):
    runs = []
    for parts in ((), (AuxiliarySkip(Constant(0.0)),)):
        search = tiny_search(bare(2, parts=parts), case())
        runs.append((search, [search.run_epoch().weights_loss, search.run_epoch().weights_loss]))
    (plain, plain_losses), (skipped, losses) = runs
    assert losses == plain_losses
    assert all(torch.equal(plain.alphas[kind], skipped.alphas[kind]) for kind in plain.alphas)
    weights = {name.replace(".inner.", "."): p for name, p in skipped.net.named_parameters() if ".skip." not in name}
    assert all(torch.equal(p, weights[name]) for name, p in plain.net.named_parameters())


def test_it_changes_a_search():
    searches = [tiny_search(bare(2, parts=parts)) for parts in ((), (AuxiliarySkip(Linear(1.0, 0.0)),))]
    assert searches[0].run_epoch().weights_loss != searches[1].run_epoch().weights_loss


def test_striding_edges_learn_a_reduction_without_scale():
    space = tiny_darts()
    search = tiny_search(bare(1, parts=(AuxiliarySkip(Linear(1.0, 0.0)),)), space)
    strided = [
        edge.skip
        for cell in search.net.network.blocks
        for slot, edge in cell.edges.items()
        if cell.plan.stride == 2 and cell.plan.topology.edges[int(slot)][0] < 2
    ]
    assert len(strided) == 2 * 4
    assert all(isinstance(skip, FactorizedReduce) and skip.bn.weight is None for skip in strided)
    assert len({float(skip.conv_even.weight.detach().sum()) for skip in strided}) == len(strided)
    before = copy.deepcopy([skip.conv_odd.weight for skip in strided])
    search.run_epoch()
    assert not any(torch.equal(old, skip.conv_odd.weight) for old, skip in zip(before, strided, strict=True))


def test_a_derived_network_runs_without_it():
    space = tiny_nasbench201()
    searches = [tiny_search(bare(parts=parts), space) for parts in ((), (AuxiliarySkip(Constant(1.0)),))]
    cells = {"normal": (1, 3, 2, 0, 4, 3)}
    images = torch.randn(4, 3, 8, 8)
    outputs = [search.net.eval()(images, search.discrete_mix(cells)) for search in searches]
    assert torch.equal(*outputs)
    mixed = searches[1].net(images, searches[1].mix("evaluation"))
    assert not torch.equal(mixed, searches[0].net(images, searches[0].mix("evaluation")))


def test_the_output_stays_the_cells_own():
    """Adding the skip must not write into the edge's input."""
    space = triangle(("none", "skip_connect"), 4, 1, 3)
    net = Supernet(space, parts=(AuxiliarySkip(Constant(1.0)),))
    x = torch.randn(2, 4, 5, 5)
    kept = x.clone()
    mix = even_mix(space)
    mix.executed = {"normal": ((0,),) * 3}
    cell_output(net, mix, x)
    assert torch.equal(x, kept)
    assert isinstance(net.network.blocks[0].edges["0"].inner, nn.Module)
