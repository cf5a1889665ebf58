"""Optuna's TPE as a rival, against studies that are driven by hand."""

import subprocess
import sys

import numpy as np
import optuna
import pytest

from ranknosh.predictors.optuna_tpe import Parameters, optuna_tpe, seed_of
from ranknosh.predictors.own_proposer import Result
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.nasbench101 import NasBench101
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.parameters import choice, uniform
from ranknosh.spaces.slots import Condition
from ranknosh.streams import stream

FLAT = FlatSpace({"kind": choice(["a", "b", "c"]), "rate": uniform(0.0, 1.0)})


class Chain(ConditionalSpace):
    name = "chain of a test"
    choices = (Choice("depth", (1, 2), ordered=True), Choice("first", ("a", "b")), Choice("second", ("a", "b", "c")))
    conditions = (None, None, Condition(0, frozenset({1})))


def seen(space, count, value):
    drawn = (space.sample(stream(0, "seen", number)) for number in range(count))
    return [Result(one, value(space.chosen(one)), 1) for one in drawn]


@pytest.fixture(autouse=True)
def without_lines():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def by_hand(results, seed):
    """The flat space's study as a user of Optuna writes it."""
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    kinds = optuna.distributions.CategoricalDistribution((0, 1, 2))
    rates = optuna.distributions.IntDistribution(0, FLAT.edits[1] - 1)
    for result in results:
        kind, rate = FLAT.chosen(result.architecture)
        study.add_trial(
            optuna.trial.create_trial(
                params={"0": kind, "1": rate}, distributions={"0": kinds, "1": rates}, value=result.metric
            )
        )
    trial = study.ask({"0": kinds, "1": rates})
    return trial.params["0"], trial.params["1"]


@pytest.mark.parametrize("known", [0, 5, 40])
def test_it_suggests_what_a_study_of_the_same_seed_does(known):
    results = seen(FLAT, known, lambda options: options[1] - 20.0 * options[0])
    for number in range(8):
        mine = optuna_tpe(FLAT, results, stream(3, "test", number))
        assert FLAT.chosen(mine) == by_hand(results, seed_of(stream(3, "test", number)))


def test_it_learns_from_results():
    """Of 60 values from 0 on, with the larger ones better under kind 2: it comes near the top, random draws do not."""
    results = seen(FLAT, 60, lambda options: options[1] + 100.0 * (options[0] == 2))
    asked = [FLAT.chosen(optuna_tpe(FLAT, results, stream(0, "test", number))) for number in range(30)]
    chance = [FLAT.chosen(FLAT.sample(stream(0, "chance", number))) for number in range(30)]
    kinds, rates = (np.array(column) for column in zip(*asked, strict=True))
    assert np.mean(kinds == 2) > 0.7 > 0.5 > np.mean([kind == 2 for kind, _ in chance])
    assert np.mean(rates) > np.mean([rate for _, rate in chance]) + 0.1 * FLAT.edits[1]


def test_what_an_architecture_does_not_reach_is_no_parameter_of_its_trial():
    space = Chain()
    parameters = Parameters(space)
    shallow, deep = (parameters.finished(space.of(options), 0.5) for options in ((0, 1, 0), (1, 1, 2)))
    assert (shallow.params, deep.params) == ({"0": 0, "1": 1}, {"0": 1, "1": 1, "2": 2})
    assert isinstance(deep.distributions["0"], optuna.distributions.IntDistribution)
    assert isinstance(deep.distributions["2"], optuna.distributions.CategoricalDistribution)
    for number in range(20):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number))
        trial = study.ask()
        options = parameters.suggested(trial)
        assert len(trial.params) == 2 + options[0]
        assert space.chosen(space.of(options)) == options


@pytest.mark.parametrize("space", [NasBench201(), NasBench101(), FLAT, Chain()], ids=lambda space: space.title)
def test_it_gives_architectures_of_every_space_again_and_again(space):
    results = seen(space, 15, lambda options: float(sum(options)))
    one = [optuna_tpe(space, results, stream(1, "test", number)) for number in range(3)]
    two = [optuna_tpe(space, results, stream(1, "test", number)) for number in range(3)]
    assert one == two
    assert all(space.chosen(each) is not None for each in one)
    assert len(set(one)) > 1


def test_it_says_nothing_and_leaves_the_level_of_optunas_lines(capfd):
    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna_tpe(FLAT, [], stream(0, "test"))
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("module", ["ranknosh.bench.methods", "ranknosh.workflows.compare.methods"])
def test_without_optuna_the_method_is_refused_and_the_rest_works(module):
    """In a process that cannot import it."""
    script = f"""
import sys
sys.modules["optuna"] = None
from {module} import RIVALS
from ranknosh.errors import MissingDependency
assert "optuna_tpe" in RIVALS.names
RIVALS.load("local_search")
try:
    RIVALS.load("optuna_tpe")
except MissingDependency as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == (
        "Optuna as a rival needs the package 'optuna', which is not installed; run: pip install 'ranknosh[bench]'\n"
    )
