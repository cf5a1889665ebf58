"""choice, one_of and repeat: what they ask for, and what they refuse: ranknosh/spaces/declare.py"""

import numpy as np
import pytest
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.declare import Building, Exploring, building, choice, one_of, repeat
from ranknosh.spaces.slots import Condition


def explored(net):
    exploring = Exploring()
    with building(exploring):
        net()
    return exploring.slots()


def test_exploring_visits_every_branch_and_the_longest_repeat():
    made = []

    def note(name):
        made.append(name)
        return nn.Identity()

    def net():
        one_of("op", {label: lambda label=label: note(label) for label in "abc"})
        repeat("depth", [3, 1], lambda i: note(i))

    explored(net)
    assert made == ["a", "b", "c", 0, 1, 2]


def test_conditions_name_the_options_that_lead_there():
    def block(i):
        return one_of(f"op{i}", {"a": nn.Identity, "b": lambda: nn.Linear(2, choice(f"width{i}", [2, 4]))})

    slots = explored(lambda: repeat("depth", [1, 3, 2], block))
    assert [(slot.choice.name, slot.kind, slot.conditions) for slot in slots] == [
        ("depth", "repeat", None),
        ("op0", "one_of", None),
        ("width0", "choice", (Condition(1, frozenset({1})),)),
        ("op1", "one_of", (Condition(0, frozenset({1, 2})),)),
        ("width1", "choice", (Condition(3, frozenset({1})),)),
        ("op2", "one_of", (Condition(0, frozenset({1})),)),
        ("width2", "choice", (Condition(5, frozenset({1})),)),
    ]


def test_a_shared_choice_comes_after_all_that_it_depends_on():
    """``shared`` is first asked for under ``first``, and later under ``second``: it stands behind both."""

    def shared():
        return nn.Linear(2, choice("shared", [2, 4]))

    def net():
        one_of("first", {"a": shared, "b": nn.Identity})
        one_of("second", {"a": nn.Identity, "b": shared})

    slots = explored(net)
    assert [slot.choice.name for slot in slots] == ["first", "second", "shared"]
    assert slots[2].conditions == (Condition(0, frozenset({0})), Condition(1, frozenset({1})))


def test_a_shared_choice_that_is_asked_for_outside_is_always_there():
    def net():
        one_of("op", {"a": lambda: nn.Linear(2, choice("width", [2, 4])), "b": nn.Identity})
        choice("width", [2, 4])

    assert [(slot.choice.name, slot.conditions) for slot in explored(net)] == [("op", None), ("width", None)]


@pytest.mark.parametrize(
    ("options", "ordered"),
    [([1, 2, 4], True), ([4, 2, 1], False), ([1, 4, 2], False), ([0.1, 1], True), ([False, True], False), ([3], False)],
)
def test_rising_numbers_have_an_order(options, ordered):
    (slot,) = explored(lambda: choice("it", options))
    assert slot.choice == Choice("it", tuple(options), ordered)


def test_a_build_gives_the_options_of_its_code():
    slots = explored(lambda: net_with(2))
    asking = Building(slots, (1, 1, 1))
    with building(asking):
        value, branch, several = net_with(2)
    assert value is None
    assert isinstance(branch, nn.Tanh)
    assert [type(module) for module in several] == [nn.Linear, nn.Linear]
    assert asking.asked == {"a", "b", "c"}


def net_with(size):
    return (
        choice("a", ["x", None, 2.5]),
        one_of("b", {"i": nn.Identity, "t": nn.Tanh}),
        repeat("c", [0, 2], lambda i: nn.Linear(size, size)),
    )


def test_numbers_of_numpy_are_numbers():
    (slot,) = explored(lambda: choice("width", np.array([4, 8]).tolist()))
    (same,) = explored(lambda: choice("width", [np.int64(4), np.int64(8)]))
    assert slot == same
    assert type(same.choice.options[0]) is int


def test_builds_inside_each_other_do_not_mix():
    outer, inner = Exploring(), Exploring()
    with building(outer):
        choice("a", [1, 2])
        with building(inner):
            choice("b", [1, 2])
        choice("c", [1, 2])
    assert [slot.choice.name for slot in outer.slots()] == ["a", "c"]
    assert [slot.choice.name for slot in inner.slots()] == ["b"]


@pytest.mark.parametrize(
    "call", [lambda: choice("a", [1]), lambda: one_of("a", {}), lambda: repeat("a", [1], nn.Identity)]
)
def test_nothing_is_chosen_where_no_space_builds(call):
    with pytest.raises(SpaceError, match=r"'a'\) is asked for, but no space is building.*ModuleSpace\(Net\)\.network"):
        call()


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (lambda: choice("", [1, 2]), "the name of a choice is ''"),
        (lambda: choice("a", []), "the choice 'a' has no option"),
        (lambda: choice("a", [1, 2, 1]), "holds the option 1 twice"),
        (lambda: choice("a", "abc"), "the options of 'a' are 'abc'; give a list"),
        (lambda: choice("a", [nn.ReLU, nn.Tanh]), "an option of 'a' is .*ReLU.*For modules use one_of"),
        (lambda: choice("a", [(3, 3), (5, 5)]), r"an option of 'a' is \(3, 3\) \(tuple\)"),
        (lambda: choice("a", [1.0, float("nan")]), "an option of 'a' is nan"),
        (lambda: one_of("a", [nn.Identity]), "takes a mapping"),
        (lambda: one_of("a", {1: nn.Identity}), "takes a mapping"),
        (
            lambda: one_of("a", {"x": nn.Identity()}),
            "branch 'x' of one_of.'a'. is Identity.*give a function that makes",
        ),
        (lambda: one_of("a", {"x": nn.Identity, "y": lambda: 3}), "branch 'y' of one_of.'a'. makes 3 .int."),
        (lambda: repeat("a", [-1, 2], nn.Identity), "whole numbers from 0 on"),
        (lambda: repeat("a", [1, True], nn.Identity), "whole numbers from 0 on"),
        (lambda: repeat("a", [1, 2], nn.Identity()), "takes a function of i"),
        (lambda: repeat("a", [1, 2], lambda i: None), r"make\(0\) of repeat\('a'\) gives None"),
        (
            lambda: (choice("a", [1, 2]), choice("a", [1, 3])),
            r"choice\('a', \[1, 3\]\).*was asked for as choice\('a', \[1, 2\]\)",
        ),
        (lambda: (choice("a", [1, 2]), repeat("a", [1, 2], nn.Identity)), "one name is one choice"),
        (
            lambda: one_of("a", {"x": lambda: one_of("a", {"x": nn.Identity, "y": nn.Tanh}), "y": nn.Tanh}),
            "is asked for inside itself",
        ),
        (
            lambda: (
                one_of("a", {"x": lambda: nn.Linear(1, choice("b", [1, 2])), "y": nn.Identity}),
                repeat("b", [1, 2], nn.Identity),
            ),
            "one name is one choice",
        ),
    ],
)
def test_what_cannot_be_declared(net, message):
    with pytest.raises(SpaceError, match=message):
        explored(net)


def test_choices_inside_each_other_are_refused():
    def leaf(name):
        return lambda: one_of(name, {"a": nn.Identity, "b": nn.Tanh})

    def net():
        one_of("top", {"x": pair("first", "second"), "y": pair("second", "first")})

    def pair(outer, inner):
        return lambda: one_of(outer, {"a": nn.Identity, "b": leaf(inner)})

    with pytest.raises(SpaceError, match=r"'(first|second)' and '(first|second)' are each asked for inside the other"):
        explored(net)
