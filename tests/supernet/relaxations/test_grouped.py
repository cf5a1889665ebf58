"""supernet/relaxations/grouped.py."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.methods.dots import GROUPS
from supernet.relaxations import Softmax
from supernet.relaxations.grouped import GroupedSoftmax
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_darts, tiny_search

PAIR = (("none", "skip_connect", "avg_pool_3x3"), ("nor_conv_1x1", "nor_conv_3x3"))


def test_every_group_sums_to_one():
    search = tiny_search(bare(relaxation=GroupedSoftmax(PAIR, Constant(0.5))))
    with torch.no_grad():
        search.alphas["normal"].copy_(torch.randn(6, 5, generator=torch.Generator().manual_seed(0)))
    theta, alphas = search.mix("alphas").theta["normal"], search.alphas["normal"]
    for places in ([0, 1, 4], [2, 3]):
        assert torch.allclose(theta[:, places], torch.softmax(alphas[:, places] / 0.5, 1))


def test_groups_do_not_compete():
    search = tiny_search(bare(relaxation=GroupedSoftmax(PAIR)))
    search.mix("alphas").theta["normal"][:, 2].sum().backward()
    gradient = search.alphas["normal"].grad
    assert (gradient[:, [0, 1, 4]] == 0).all()
    assert (gradient[:, [2, 3]] != 0).all()


def test_one_group_is_the_softmax():
    search = tiny_search(bare(relaxation=GroupedSoftmax((sum(PAIR, ()),))))
    other = tiny_search(bare(relaxation=Softmax()))
    assert torch.allclose(search.mix("alphas").theta["normal"], other.mix("alphas").theta["normal"])


def test_every_operation_needs_a_group():
    with pytest.raises(ConfigError, match="do not hold max_pool_3x3"):
        tiny_search(bare(relaxation=GroupedSoftmax((GROUPS[0][:2], (*GROUPS[1], "avg_pool_3x3")))), tiny_darts())
