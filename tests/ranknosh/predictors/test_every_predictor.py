"""What every ranker must do, whatever it is made of."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.metrics import kendall_tau
from ranknosh.predictors.base import Encodings, Predictor
from ranknosh.predictors.catalog import PREDICTORS
from ranknosh.predictors.making import make_predictor

LEARNING = [name for name in PREDICTORS.builtins if name != "random"]
BY_PAIRS = ["linear", "gbdt", "gin"]


def made(name: str) -> Predictor:
    if name == "gbdt":
        pytest.importorskip("xgboost")
    if name == "gin":
        import torch

        torch.set_num_threads(1)
        return make_predictor("gin", ensemble=2, steps=30, hidden=16, rate=1e-2)
    return make_predictor(name)


@pytest.fixture(scope="module")
def some(everyone: Encodings) -> Encodings:
    return everyone.take(np.random.default_rng(3).choice(len(everyone), 400, replace=False))


@pytest.fixture(scope="module")
def rows(everyone: Encodings) -> NDArray[np.int64]:
    return np.random.default_rng(0).choice(len(everyone), 80, replace=False)


@pytest.fixture(scope="module")
def fitted(everyone: Encodings, target: NDArray[np.float64], make_evidence, rows: NDArray[np.int64]):
    """One fit of each, for tests that only ask."""

    @cache
    def fit(name: str) -> Predictor:
        predictor = made(name)
        predictor.fit(everyone.take(rows), make_evidence(target[rows]), seed=7)
        return predictor

    return fit


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_it_learns_a_known_order_or_is_random(
    name: str, fitted, everyone: Encodings, target: NDArray[np.float64], rows: NDArray[np.int64]
) -> None:
    unseen = np.setdiff1d(np.arange(len(everyone)), rows)[::20]
    tau = kendall_tau(fitted(name).score(everyone.take(unseen)), target[unseen])
    assert tau is not None
    assert tau > 0.4 if name != "random" else abs(tau) < 0.15


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_the_same_seeds_give_the_same_numbers(
    name: str,
    fitted,
    everyone: Encodings,
    some: Encodings,
    target: NDArray[np.float64],
    make_evidence,
    rows: NDArray[np.int64],
) -> None:
    first, second = fitted(name), made(name)
    second.fit(everyone.take(rows), make_evidence(target[rows]), seed=7)
    second.score(everyone)
    np.testing.assert_array_equal(first.score(some), second.score(some))
    np.testing.assert_array_equal(first.spread(some), second.spread(some))
    np.testing.assert_array_equal(first.draws(some, [5, 6]), second.draws(some, [5, 6]))
    np.testing.assert_array_equal(first.draws(some, [4, 5, 6])[1], first.draws(some, [5])[0])
    many = first.draws(some, range(12))
    assert many.shape == (12, len(some))
    assert len(np.unique(np.round(many, 12), axis=0)) > 1, "draws must differ"
    assert first.score(some).dtype == many.dtype == np.float64
    assert (first.spread(some) >= 0).all()
    assert (first.spread(some) > 0).any()


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_a_score_does_not_depend_on_the_company(name: str, fitted, some: Encodings) -> None:
    predictor = fitted(name)
    picked = [3, 50, 399]
    np.testing.assert_allclose(predictor.score(some)[picked], predictor.score(some.take(picked)), atol=1e-5)
    np.testing.assert_allclose(predictor.spread(some)[picked], predictor.spread(some.take(picked)), atol=1e-5)
    np.testing.assert_allclose(
        predictor.draws(some, [1])[0, picked], predictor.draws(some.take(picked), [1])[0], atol=1e-5
    )


@pytest.mark.parametrize("name", BY_PAIRS)
def test_a_pair_of_weight_zero_changes_nothing(
    name: str, everyone: Encodings, some: Encodings, target: NDArray[np.float64], make_evidence, rows: NDArray[np.int64]
) -> None:
    known = make_evidence(target[rows])
    lies = known.pairs[:, ::-1]
    weighted = replace(
        known,
        pairs=np.concatenate([known.pairs, lies]),
        weights=np.concatenate([known.weights, np.zeros(len(lies), np.float32)]),
    )
    without, ignored, believed = made(name), made(name), made(name)
    without.fit(everyone.take(rows), known, seed=0)
    ignored.fit(everyone.take(rows), weighted, seed=0)
    np.testing.assert_allclose(without.score(some), ignored.score(some), atol=1e-5)
    contradicted = replace(weighted, weights=np.ones(len(weighted.pairs), np.float32))
    believed.fit(everyone.take(rows), contradicted, seed=0)
    assert np.abs(without.score(some) - believed.score(some)).max() > 0.01


@pytest.mark.parametrize("name", LEARNING)
def test_what_failed_ranks_low(name: str, everyone: Encodings, make_evidence) -> None:
    """Cells with three or more 3x3 convolutions fail here, the others get noise: only the failures can be learned."""
    rng = np.random.default_rng(2)
    heavy = (everyone.codes == 3).sum(axis=1) >= 3
    rows = np.concatenate([rng.choice(np.flatnonzero(heavy), 25), rng.choice(np.flatnonzero(~heavy), 45)])
    rows = np.unique(rows)
    predictor = made(name)
    predictor.fit(everyone.take(rows), make_evidence(rng.normal(size=len(rows)), heavy[rows]), seed=0)
    unseen = np.setdiff1d(np.arange(len(everyone)), rows)[::7]
    scores = predictor.score(everyone.take(unseen))
    failing, fine = scores[heavy[unseen]], scores[~heavy[unseen]]
    assert (failing[:, None] < fine[None, :]).mean() > 0.75


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_asking_before_fitting_is_an_error(name: str, some: Encodings) -> None:
    with pytest.raises(RuntimeError, match="before it was fitted"):
        made(name).score(some)


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_nobody_to_score_is_no_error(name: str, fitted, everyone: Encodings) -> None:
    predictor = fitted(name)
    nobody = everyone.take([])
    assert predictor.score(nobody).shape == predictor.spread(nobody).shape == (0,)
    assert predictor.draws(nobody, [1, 2]).shape == (2, 0)
