"""Limits over a space whose costs are sums that can be added up by hand."""

import itertools

import pytest

from ranknosh.config.bounds import Bound, read_bounds
from ranknosh.core.constraints import Constraints, ConstraintsUnmet, check_met, draw_feasible, survey
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.flat import FlatSpace

SPACE = FlatSpace({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 2, 3, 4]})
LARGE = FlatSpace({f"x{i}": list(range(8)) for i in range(8)})


class Sums:
    """``size`` is the sum of an architecture's values, ``asked`` how often it was looked up."""

    def __init__(self, space, constraints):
        self.space, self.constraints, self.asked = space, constraints, []

    def of(self, architecture):
        self.asked.append(architecture)
        return {"size": float(sum(self.space.decode(architecture).values()))}

    def feasible(self, architecture):
        return not self.constraints.excess(self.of(architecture))

    def take(self):
        return ()


def limited(text, space=SPACE):
    constraints = Constraints({"size": read_bounds("size", text)})
    return Sums(space, constraints), constraints


def test_excess_is_how_far_costs_are_outside_as_shares_of_the_limits():
    constraints = Constraints({"a": (Bound("<=", 10.0),), "b": (Bound(">=", 4.0), Bound("<=", 8.0))})
    assert constraints.excess({"a": 10.0, "b": 8.0}) == 0
    assert constraints.excess({"a": 15.0, "b": 3.0}) == pytest.approx(0.5 + 0.25)
    assert constraints.excess({"a": 0.0, "b": 12.0}) == pytest.approx(0.5)


def test_a_share_is_one_of_the_cost_of_its_architecture():
    constraints = Constraints({"size": (Bound("<=", 0.5, "X"),)}, {("size", "X"): 12.0})
    assert constraints.holds("size", 6.0)
    assert not constraints.holds("size", 6.5)
    assert constraints.texts() == ["size <= 6"]


def test_a_survey_of_a_whole_space_counts_what_meets_the_limits():
    costs, constraints = limited("<= 5")
    found = survey(SPACE, costs, constraints, seed=3, sample=100, steps=10)
    by_hand = sum(sum(values) <= 5 for values in itertools.product((1, 2, 3, 4), repeat=3))
    assert (found.sampled, found.meeting, found.walked) == (64, by_hand, 0)
    assert found.share == by_hand / 64
    assert (found.smallest["size"].value, found.largest["size"].value) == (3, 12)
    check_met(found, constraints)


def test_one_of_many_is_found_by_walking_where_no_sample_is():
    costs, constraints = limited("<= 0", LARGE)  # one architecture of 16,777,216
    found = survey(LARGE, costs, constraints, seed=0, sample=20, steps=2000)
    assert (found.meeting, found.smallest["size"].value) == (0, 0)
    assert found.witnesses == (LARGE.locate({f"x{i}": 0 for i in range(8)}),)
    assert found.walked > 0
    assert not survey(LARGE, costs, constraints, seed=0, sample=20, steps=3).witnesses


def test_what_cannot_be_met_is_said_with_the_smallest_found_and_exit_code_3():
    costs, constraints = limited("<= 2")
    with pytest.raises(ConstraintsUnmet, match=r"meets size <= 2: the smallest size found is 3 \(\{\"a\": 1") as raised:
        check_met(survey(SPACE, costs, constraints, seed=0, sample=100, steps=10), constraints)
    assert raised.value.exit_code == 3
    costs, constraints = limited(">= 99")
    with pytest.raises(ConstraintsUnmet, match="the largest size found is 12"):
        check_met(survey(SPACE, costs, constraints, seed=0, sample=100, steps=10), constraints)


def test_what_is_drawn_meets_the_limits_and_is_all_there_is():
    costs, _ = limited("<= 4")
    drawn = draw_feasible(SPACE, 50, 1, costs.feasible)
    assert sorted(sum(SPACE.decode(one).values()) for one in drawn) == [3, 4, 4, 4]
    assert draw_feasible(SPACE, 2, 1, costs.feasible) == drawn[:2]


def test_in_a_space_that_cannot_be_listed_what_is_rare_is_reached_by_mutation():
    costs, _ = limited("<= 2", LARGE)  # 45 of 16,777,216
    witness = LARGE.locate({f"x{i}": 0 for i in range(8)})
    drawn = draw_feasible(LARGE, 30, 1, costs.feasible, [witness])
    assert len(set(map(LARGE.canonical, drawn))) == 30
    assert max(sum(LARGE.decode(one).values()) for one in drawn) <= 2
    assert draw_feasible(LARGE, 3, 1, costs.feasible) == []


def test_choices_of_the_large_space_are_too_many_to_list():
    assert not LARGE.enumerable
    assert all(isinstance(choice, Choice) for choice in LARGE.choices)
