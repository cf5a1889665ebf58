"""supernet/restage.py and the methods that grow and shrink by it."""

import copy
import itertools
from dataclasses import replace

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.method import Stage
from supernet.methods import get_method
from supernet.methods.dots import GROUPS
from supernet.parts import PartialChannels
from supernet.restage import Restage, widened
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search

WIDE = tiny_nasbench201(channels=8)
METHODS = {
    "drnas_progressive": ({"epochs": 4}, WIDE),
    "p_darts": ({"epochs": 6}, tiny_nasbench201()),
    "dots": ({"epochs": 4}, tiny_darts()),
}


def make(name):
    options, space = METHODS[name]
    return tiny_search(get_method(name, **options), space)


@pytest.mark.parametrize("name", METHODS)
def test_all_stages_run_and_something_is_found(name):
    search = make(name)
    while not search.ended:
        search.run_epoch()
    assert search.space.write(search.result())
    assert len({report.stage for report in search.history}) == len(search.method.stages)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.slow
def test_going_on_exactly_inside_and_between_stages(name, after):
    search, twin = make(name), make(name)
    for _ in range(after):
        search.run_epoch()
    twin.load_state_dict(copy.deepcopy(search.state_dict()))
    a, b = search.run_epoch(), twin.run_epoch()
    a.seconds = b.seconds = 0.0
    assert a == b
    assert all(torch.equal(p, q) for p, q in zip(search.net.parameters(), twin.net.parameters(), strict=True))
    assert all(torch.equal(search.parameters[n], twin.parameters[n]) for n in search.parameters)


def test_operations_are_pruned_by_mean_weight_and_not_built():
    search = tiny_search(replace(bare(), stages=(Stage(1), Stage(1, enter=Restage(keep=2, fresh_alphas=False)))))
    search.run_epoch()
    theta = search.mix("evaluation").theta["normal"]
    best = [set(row.topk(2).indices.tolist()) for row in theta]
    search.run_epoch()
    assert [set(row) for row in search.states.places("normal")] == best
    built = search.net.network.blocks[0].edges["0"].operations
    names = search.space.candidates["normal"][0]
    assert set(built) == {names[place] for place in best[0]} - {"none"}


def test_surviving_operations_are_nested_over_the_stages_of_p_darts():
    search = make("p_darts")
    kept = []
    while not search.ended:
        search.run_epoch()
        kept.append([set(row) for row in search.states.places("normal")])
    assert [len(row[0]) for row in kept] == [5, 5, 3, 3, 2, 2]
    assert all(later <= sooner for a, b in itertools.pairwise(kept) for sooner, later in zip(a, b, strict=True))
    assert [report.stage for report in search.history] == [f"stage {i}" for i in (1, 1, 2, 2, 3, 3)]
    assert len(search.net.network.blocks) == 17  # five cells in each of three stages, and two reductions


def test_stages_of_p_darts_on_its_own_space():
    search = tiny_search(get_method("p_darts", epochs=3), tiny_darts(), images=16)
    search.run_epoch()
    assert len(search.net.network.blocks) == 5
    enters = [stage.enter for stage in search.method.stages]
    assert [(enter.blocks, enter.keep) for enter in enters] == [(5, None), (11, 5), (17, 3)]


def test_widening_copies_channels_and_keeps_sums_over_inputs():
    generator, picks = torch.Generator().manual_seed(0), {}
    old = torch.randn(2, 3, 1, 1)
    new = widened(old, torch.empty(4, 5, 1, 1), picks, generator)
    assert torch.equal(new[:2, 0:1], new[picks[2, 4]][:2, 0:1])
    rows, columns = picks[2, 4], picks[3, 5]
    assert rows[:2].tolist() == [0, 1]
    assert columns[:3].tolist() == [0, 1, 2]
    x = torch.randn(3)
    assert torch.allclose(new[:, :, 0, 0] @ x[columns], (old[:, :, 0, 0] @ x)[rows], atol=1e-6)


def test_weights_are_carried_over_or_fresh():
    for inherit in (True, False):
        enter = Restage(changes={"parts": (PartialChannels(2),)}, fresh_alphas=False, inherit=inherit)
        method = replace(bare(parts=(PartialChannels(4),)), stages=(Stage(1), Stage(1, enter=enter)))
        search = tiny_search(method, WIDE)
        search.run_epoch()
        stem = search.net.network.stem[0].weight.detach().clone()
        narrow = {n: p.shape for n, p in search.net.named_parameters() if "operations" in n}
        momentum = search.optimiser.state[search.net.network.stem[0].weight]["momentum_buffer"].clone()
        search._enter_stage()
        wide = {n: p.shape for n, p in search.net.named_parameters() if "operations" in n}
        assert narrow.keys() == wide.keys()
        assert all(wide[name][0] == 2 * shape[0] for name, shape in narrow.items())
        assert torch.equal(search.net.network.stem[0].weight, stem) is inherit
        state = search.optimiser.state.get(search.net.network.stem[0].weight, {})
        assert ("momentum_buffer" in state) is inherit
        if inherit:
            assert torch.equal(state["momentum_buffer"], momentum)


def test_two_groups_leave_one_operation_each():
    search = make("dots")
    for _ in range(3):
        search.run_epoch()
    names = search.space.candidates["normal"][0]
    for row in search.states.places("normal"):
        assert [sum(names[place] in group for place in row) for group in GROUPS] == [1, 1]
    assert "edges.normal" in search.parameters
    assert search.update.split == "all"


def test_dots_needs_a_space_of_pairs():
    with pytest.raises(ConfigError, match="pairs of edges"):
        tiny_search(get_method("dots", epochs=4))


def test_a_composition_says_its_stages():
    text = str(get_method("p_darts"))
    assert "stage 1 25 (weights only 10) [5 blocks" in text
    assert "17 blocks, 38% of the operations" in text
