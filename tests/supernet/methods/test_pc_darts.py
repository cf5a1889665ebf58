"""supernet/methods/pc_darts.py."""

import copy

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_it_runs_and_trains_alphas_after_the_warm_up(case):
    search = tiny_search(get_method("pc_darts", epochs=2, warm_up=1), case())
    before = copy.deepcopy(dict(search.parameters))
    assert search.run_epoch().alphas_loss is None
    assert all(torch.equal(before[name], p) for name, p in search.parameters.items())
    assert search.run_epoch().alphas_loss is not None
    assert not any(torch.equal(before[name], p) for name, p in search.parameters.items())
    plain = tiny_search(get_method("darts", epochs=1), case())
    assert plain.run_epoch().weights_loss != search.history[0].weights_loss


def test_published_numbers():
    method = get_method("pc_darts")
    assert [(stage.epochs, stage.warm_up) for stage in method.stages] == [(50, 15)]
    assert (method.recipe.batch, method.recipe.lr, method.recipe.lr_last, method.recipe.weight_decay) == (
        256,
        0.1,
        0,
        3e-4,
    )
    assert (method.parts[0].share, method.alpha_optimiser.lr) == (4, 6e-4)
    assert get_method("pc_darts", epochs=20).stages[0].warm_up == 6


def test_narrow_supernets_are_refused():
    space = tiny_nasbench201(channels=6)
    with pytest.raises(ConfigError, match="choose initial channels that 4 divides"):
        tiny_search(get_method("pc_darts"), space)


def test_a_resumed_search_is_the_same_one():
    straight = tiny_search(get_method("pc_darts", epochs=2, warm_up=0))
    straight.run_epoch()
    resumed = tiny_search(get_method("pc_darts", epochs=2, warm_up=0))
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    straight.run_epoch(), resumed.run_epoch()
    assert all(torch.equal(a, b) for a, b in zip(straight.net.parameters(), resumed.net.parameters(), strict=True))
    assert all(torch.equal(p, resumed.parameters[name]) for name, p in straight.parameters.items())
