"""supernet/methods/sdarts.py."""

import copy

import pytest
import torch

from supernet.methods import get_method
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search


@pytest.mark.parametrize("name", ["sdarts_rs", "sdarts_adv"])
@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_it_runs_and_differs_from_darts(name, case):
    losses = [tiny_search(get_method(n, epochs=1), case()).run_epoch().weights_loss for n in ("darts", name)]
    assert losses[0] != losses[1]


def test_published_numbers():
    for name in ("sdarts_rs", "sdarts_adv"):
        radius = get_method(name).perturbation.radius
        assert [radius(t, 50) for t in (0, 25, 49)] == pytest.approx([0.03, 0.165, 0.2946])
    assert get_method("sdarts_adv").perturbation.steps == 7


@pytest.mark.parametrize("name", ["sdarts_rs", "sdarts_adv"])
def test_a_resumed_search_is_the_same_one(name):
    straight = tiny_search(get_method(name, epochs=2))
    straight.run_epoch()
    resumed = tiny_search(get_method(name, epochs=2))
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    straight.run_epoch(), resumed.run_epoch()
    assert all(torch.equal(a, b) for a, b in zip(straight.net.parameters(), resumed.net.parameters(), strict=True))
