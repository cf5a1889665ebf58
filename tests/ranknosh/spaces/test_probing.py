"""Which choices can be edges of a supernet: ranknosh/spaces/probing.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces import ModuleSpace
from ranknosh.spaces.probing import longest, no_edges, places_of
from tests.module_nets import IMAGES, ROWS, Deep, fails, nested, odd, shapes, tied


def test_shapes_of_every_branch_are_compared():
    space = ModuleSpace(shapes)
    assert no_edges(space, ROWS) == {
        "differ": "of (4,) a makes (4,), b makes (2,)",
        "idle": "it is not run in the network of the longest repeats",
    }
    assert [(place.name, place.given, place.made) for place in places_of(space, ROWS)] == [("agree", (6,), (4,))]


def test_a_branch_that_fails_is_named():
    assert no_edges(ModuleSpace(fails), ROWS)["fails"].startswith("of (6,) b fails: RuntimeError: mat1 and mat2")


def test_other_choices_can_be_fixed():
    assert "differ" not in no_edges(ModuleSpace(shapes), ROWS, {"wide": 4})
    for fixed in ({"wide": 3}, {"widht": 4}):
        with pytest.raises(SpaceError, match=r"wide is 3; it takes one of 2, 4|no choice 'widht'"):
            no_edges(ModuleSpace(shapes), ROWS, fixed)


def test_the_network_has_the_longest_repeats_and_all_branches():
    space = ModuleSpace(Deep)
    assert space.decode(longest(space)) == {"width": 4, "depth": 3, "block0.op": "conv", "block0.kernel": 1} | {
        f"block{i}.{name}": option for i in (1, 2) for name, option in (("op", "conv"), ("kernel", 1))
    }
    assert [(place.name, place.given, place.made, place.reason) for place in places_of(space, IMAGES)] == [
        (f"block{i}.op", (4, 8, 8), (4, 8, 8), None) for i in range(3)
    ]


def test_choices_inside_branches_are_met_too():
    """``deep`` is the second branch of ``body``; its blocks are run all the same."""
    assert no_edges(ModuleSpace(nested), ROWS) == {}
    assert [place.name for place in places_of(ModuleSpace(nested), ROWS)] == ["body", "block0", "block1"]


def test_places_are_in_the_order_of_asking_and_have_shapes_of_their_own():
    assert [(p.name, p.given, p.made) for p in places_of(ModuleSpace(tied), ROWS)] == [
        ("layer0", (6,), (4,)),
        ("layer1", (4,), (4,)),
    ]


def test_everything_that_keeps_a_choice_from_being_an_edge_is_said():
    reasons = no_edges(ModuleSpace(odd), ROWS)
    assert set(reasons) == {"closed", "inner", "writes", "labels", "pair"}
    assert reasons["inner"] == "the network that a supernet is built around does not ask for it"
    assert "a changes its input in place" in reasons["writes"]
    assert "leave out dots" in reasons["labels"]
    assert "b makes tuple, no tensor" in reasons["pair"]
    assert places_of(ModuleSpace(odd), ROWS) == ()
