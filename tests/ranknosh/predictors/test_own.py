"""Predictors of the user's own, by name and as objects."""

import numpy as np
import pytest

from ranknosh.errors import ConfigError
from ranknosh.predictors.base import reference
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.own import OwnPredictor, try_predictor
from ranknosh.spaces.catalog import get_space
from tests.own_parts import own as own

SPACE = get_space("nasbench201")


@pytest.mark.parametrize(
    ("name", "options", "best_first"),
    [("Nearest", {}, 1.0), ("Nearest", {"sign": -1.0}, -1.0), ("backwards", {}, -1.0), ("nearest", {}, 1.0)],
)
def test_a_class_a_function_and_an_object_are_predictors(own, name, options, best_first):
    made = make_predictor(f"{own}:{name}", **options)
    assert made.name == f"{own}:{name}"
    try_predictor(made, SPACE)  # twelve members, the later ones better
    scores = made.score(reference(SPACE, 12, seed=0))
    np.testing.assert_allclose(best_first * scores, np.arange(1, 13) / 12)


def test_an_object_named_twice_is_two_predictors(own):
    first, second = make_predictor(f"{own}:nearest"), make_predictor(f"{own}:nearest")
    try_predictor(first, SPACE)
    with pytest.raises(ConfigError, match="raised in score: RuntimeError"):
        second.score(reference(SPACE, 3, seed=0))


def test_one_of_the_users_own_is_a_member_of_an_ensemble_and_a_choice_of_auto(own):
    for made in (
        make_predictor("ensemble", of=[f"{own}:Nearest", "linear"]),
        make_predictor(f"{own}:Nearest", ensemble=3),
    ):
        try_predictor(made, SPACE)
        assert (made.spread(reference(SPACE, 30, seed=1)) > 0).any()
    chosen = make_predictor("auto", among=[f"{own}:Nearest"])
    try_predictor(chosen, SPACE)
    assert chosen.name == f"auto:{own}:Nearest"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Raises", "the predictor own_parts_of_a_test:Raises cannot be made: OSError: no licence"),
        ("Unfinished", "is not complete: its class lacks the methods fit"),
        ("Widest", "is the class Widest, no predictor; give a subclass of ranknosh.predictors.base.Predictor"),
        ("np", "is module, no predictor"),
        ("Naerest", "unknown name 'Naerest'.*did you mean (N|n)earest"),
        ("Short", r"gave an array of shape \(11,\) from score, not \(12,\)"),
        ("NotANumber", "gave 12 values from score that are not finite"),
        ("BadFit", "raised in fit: KeyError: 'weights'; correct it$"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(own, name, message):
    with pytest.raises(ConfigError, match=message) as raised:
        try_predictor(make_predictor(f"{own}:{name}"), SPACE)
    assert "\n" not in str(raised.value)


def test_an_option_it_does_not_have_is_refused(own):
    with pytest.raises(ConfigError, match="predictor has no option sing; it takes sign; did you mean sign"):
        make_predictor(f"{own}:Nearest", sing=2)


def test_a_negative_spread_is_refused(own):
    class Negative(type(make_predictor("random"))):
        def spread(self, encodings):
            return np.full(len(encodings), -0.5)

    with pytest.raises(ConfigError, match=r"a spread of -0\.5"):
        try_predictor(OwnPredictor(Negative(), "mine"), SPACE)
