"""supernet/monitors/without.py."""

import copy

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.monitors import Without
from tests.supernet_cases import bare, tiny_search


def test_operations_are_out_of_every_mixture():
    search = tiny_search(bare(2, monitors=(Without(),)))
    theta = search.mix("weights").theta["normal"]
    assert (theta[:, 0] == 0).all()
    assert torch.allclose(theta.sum(1), torch.ones(6))
    search.alphas["normal"].data[:, 0] = 9.0
    search.run_epoch()
    assert 0 not in search.result()["normal"]


def test_it_can_be_resumed_after_decisions():
    search = tiny_search(bare(2, monitors=(Without(),)))
    search.run_epoch()
    search.states.prune("normal", 0)
    search.states.fix("normal", 1, 1)
    resumed = tiny_search(bare(2, monitors=(Without(),)))
    resumed.load_state_dict(copy.deepcopy(search.state_dict()))
    assert resumed.states.state_dict() == search.states.state_dict()
    assert resumed.run_epoch().weights_loss == search.run_epoch().weights_loss


def test_edges_need_something_to_run():
    names = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    with pytest.raises(ConfigError, match="no operation left"):
        tiny_search(bare(monitors=(Without(names),)))
