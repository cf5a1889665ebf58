"""supernet/methods/r_darts.py."""

import copy

import pytest
import torch

from supernet.methods import get_method
from supernet.methods.r_darts import WEIGHT_DECAYS
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search


@pytest.mark.parametrize("name", ["r_darts_l2", "r_darts_dp"])
@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_they_run_and_differ_from_darts(name, case):
    losses = []
    for each in ("darts", name):
        search = tiny_search(get_method(each, epochs=2), case())
        search.run_epoch()
        losses.append(search.run_epoch().weights_loss)
    assert losses[0] != losses[1]


def test_the_grid():
    assert WEIGHT_DECAYS == (3e-4, 9e-4, 27e-4, 81e-4)
    grid = [get_method("r_darts_l2", weight_decay=decay) for decay in WEIGHT_DECAYS]
    assert [method.recipe.weight_decay for method in grid] == list(WEIGHT_DECAYS)
    assert len({method.name for method in grid}) == 4
    search = tiny_search(get_method("r_darts_l2", weight_decay=27e-4))
    assert search.optimiser.param_groups[0]["weight_decay"] == 27e-4


def test_drop_path_and_cutout_grow_from_nothing_to_their_largest_in_the_last_epoch():
    method = get_method("r_darts_dp", drop_rate=0.4)
    (part,), (cutout,) = method.parts, method.monitors
    assert [part.rate(t, 50) for t in (0, 49)] == pytest.approx([0.0, 0.4])
    assert [cutout.chance(t, 50) for t in (0, 49)] == pytest.approx([0.0, 1.0])
    assert get_method("r_darts_dp", cutout=False).monitors == ()


def test_a_rate_of_zero_is_darts():
    plain = tiny_search(get_method("darts", epochs=1))
    zero = tiny_search(get_method("r_darts_dp", epochs=1, drop_rate=0.0))
    assert plain.run_epoch().weights_loss == zero.run_epoch().weights_loss
    assert torch.equal(plain.alphas["normal"], zero.alphas["normal"])


def test_a_resumed_search_is_the_same_one():
    straight = tiny_search(get_method("r_darts_dp", epochs=2))
    straight.run_epoch()
    resumed = tiny_search(get_method("r_darts_dp", epochs=2))
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    straight.run_epoch(), resumed.run_epoch()
    assert all(torch.equal(a, b) for a, b in zip(straight.net.parameters(), resumed.net.parameters(), strict=True))
