"""What building networks shows of a space: ranknosh/spaces/examination.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces import ModuleSpace
from ranknosh.spaces.examination import examine
from ranknosh.spaces.nets.cost import count_macs
from tests.module_nets import IMAGES, ROWS, Deep, shapes, tied


def macs_of(signature):
    return lambda network: count_macs(network, signature.inputs)


def test_costs_are_those_of_the_smallest_and_the_largest():
    """By hand: stem, gate without weights, and two linear layers of 4 or of 8."""
    found = examine(ModuleSpace(tied), ROWS, macs_of(ROWS), samples=200)
    assert found.sampled == 14
    assert found.params == tuple(6 * w + w + w * w + w + 3 * w + 3 for w in (4, 8))
    assert found.macs == tuple(6 * w + w * w + 3 * w for w in (4, 8))
    assert [text.split(",")[0] for text in found.extremes] == ["width=4", "width=8"]


def test_choices_conditions_and_edges():
    found = examine(ModuleSpace(Deep), IMAGES, macs_of(IMAGES), samples=5)
    assert found.kinds[:4] == ("choice", "repeat", "one_of", "choice")
    assert found.conditions[2:5] == ("always", 'block0.op is "conv"', "depth is 2 or 3")
    assert (found.depth, found.idle, found.no_edges) == (2, (), {})
    assert found.edges == ("block0.op", "block1.op", "block2.op")


def test_what_is_no_edge_and_what_does_nothing_is_said():
    found = examine(ModuleSpace(shapes), ROWS, macs_of(ROWS), samples=5)
    assert found.edges == ("agree",)
    assert set(found.no_edges) == {"differ", "idle"}


def test_a_network_that_cannot_run_is_an_error():
    with pytest.raises(SpaceError, match=r"failed at .*module_nets"):
        examine(ModuleSpace(Deep), ROWS, macs_of(ROWS), samples=2)
