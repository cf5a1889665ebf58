"""Shares of variance: exact where every architecture is known, and none where there is too little to say."""

import numpy as np
import pytest

from ranknosh.core.records import Observed, Proposed
from ranknosh.report.importance import FEWEST, alone, importance, importance_plot
from ranknosh.spaces.flat import FlatSpace
from ranknosh.streams import stream

PARAMETERS = {"width": [1, 2, 4, 8], "kind": ["a", "b", "c"], "idle": [0, 1, 2]}
SPACE = FlatSpace(parameters=PARAMETERS)
EFFECT = {"a": 0.0, "b": 0.3, "c": 0.1}


def additive(taken):
    return 0.1 * np.log2(taken["width"]) + EFFECT[taken["kind"]]


def view_of(build, value, count=108):
    """A search in which architectures drawn at random, each perhaps again, got ``value`` of what they chose."""
    rng, timed = stream(1, "draw"), []
    for number in range(count):
        architecture = SPACE.sample(rng)
        metric = float(value(SPACE.decode(architecture), rng))
        proposed = Proposed(number, architecture, f"key{number}", SPACE.format(architecture), 0, "random")
        timed += [(1.0, proposed), (2.0, Observed(number, 1, metric, {"accuracy": metric}, 1, 1.0))]
    return build.view(timed, space={"name": "flat", "parameters": PARAMETERS})


def test_shares_are_those_of_the_main_effects(build):
    found = importance(view_of(build, lambda taken, rng: additive(taken)))
    width, kind = np.var([0.0, 0.1, 0.2, 0.3]), np.var(list(EFFECT.values()))
    assert found.shares["width"][0] == pytest.approx(width / (width + kind), abs=0.08)
    assert found.shares["kind"][0] == pytest.approx(kind / (width + kind), abs=0.08)
    assert found.shares["idle"][0] < 0.03
    assert list(found.shares)[-1] == "idle"
    assert (found.level, found.n) == (1, 108)
    assert found.explained > 0.9
    assert all(low < mean < high for mean, low, high in (found.shares["width"], found.shares["kind"]))


def test_a_joint_effect_belongs_to_no_choice_alone(build):
    found = importance(view_of(build, lambda taken, rng: (taken["idle"] == 1) ^ (taken["kind"] == "a"), 200))
    exact = {}
    every = [SPACE.decode(one) for one in SPACE.enumerate()]
    values = np.array([float((taken["idle"] == 1) ^ (taken["kind"] == "a")) for taken in every])
    for name in PARAMETERS:
        means = [values[[taken[name] == option for taken in every]].mean() for option in PARAMETERS[name]]
        exact[name] = np.var(means) / np.var(values)
    assert {name: mean for name, (mean, _, _) in found.shares.items()} == pytest.approx(exact, abs=0.08)
    assert sum(exact.values()) < 0.5


def test_noise_and_few_candidates_are_not_enough(build):
    noisy = importance_plot(view_of(build, lambda taken, rng: rng.normal())).blocks[0]
    assert noisy.style == "nothing"
    assert "not enough: from 108 candidates at level 1 a forest explains" in noisy.lines[0]
    few = importance_plot(view_of(build, lambda taken, rng: additive(taken), FEWEST - 1)).blocks[0]
    assert few.lines == [f"n/a: not enough: no level has {FEWEST} candidates with results that differ."]
    assert importance(view_of(build, lambda taken, rng: 0.5)) is None


def test_the_caption_has_intervals_and_confesses_the_selection(build):
    (figure,) = importance_plot(view_of(build, lambda taken, rng: additive(taken))).blocks
    assert "not drawn at random" in figure.caption
    assert "width " in figure.caption
    assert figure.picture


def test_the_share_between_groups_is_omega_squared():
    column, values = np.array([0, 0, 1, 1]), np.array([0.0, 2.0, 4.0, 6.0])
    # between 16, within 4 on 2 degrees of freedom, total 20: (16 - 2) / (20 + 2)
    assert alone(column, values) == pytest.approx(14 / 22)
    assert alone(column, np.array([0.0, 2.0, 0.0, 2.0])) == 0.0
    assert alone(np.arange(4), values) == 0.0
