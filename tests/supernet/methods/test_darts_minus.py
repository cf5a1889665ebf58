"""supernet/methods/darts_minus.py."""

import copy

import pytest
import torch

from ranknosh.spaces.darts import Darts
from supernet.methods import get_method
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_it_runs_and_differs_from_darts(case):
    found = {}
    for name in ("darts", "darts_minus"):
        search = tiny_search(get_method(name, epochs=2), case())
        search.run_epoch()
        found[name] = search.run_epoch().weights_loss
        assert search.ended
        assert search.result().keys() == set(search.space.kinds)
    assert found["darts"] != found["darts_minus"]


def test_a_beta_of_zero_is_darts():
    plain, faded = (
        tiny_search(m) for m in (get_method("darts", epochs=1), get_method("darts_minus", epochs=1, beta=0.0))
    )
    assert plain.run_epoch().weights_loss == faded.run_epoch().weights_loss
    assert torch.equal(plain.alphas["normal"], faded.alphas["normal"])


def test_the_published_schedule_and_the_one_that_ends_at_zero():
    (published,) = get_method("darts_minus").parts
    (ending,) = get_method("darts_minus", end_inclusive=True).parts
    assert [published.beta(t, 50) for t in (0, 25, 49, 50)] == pytest.approx([1.0, 0.5, 0.02, 0.0])
    assert [ending.beta(t, 50) for t in (0, 49)] == [1.0, 0.0]


def test_a_resumed_search_is_the_same_one():
    straight = tiny_search(get_method("darts_minus", epochs=2), tiny_darts(Darts.operations))
    straight.run_epoch()
    resumed = tiny_search(get_method("darts_minus", epochs=2), straight.space)
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    straight.run_epoch(), resumed.run_epoch()
    assert all(torch.equal(a, b) for a, b in zip(straight.net.parameters(), resumed.net.parameters(), strict=True))
