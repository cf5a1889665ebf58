from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings
from ranknosh.predictors.linear import LinearPredictor
from ranknosh.predictors.pair_loss import PairLoss, tempered

MakeEvidence = Callable[[NDArray[np.float64]], Evidence]


@pytest.fixture
def members(everyone: Encodings) -> Encodings:
    return everyone.take(np.random.default_rng(0).choice(len(everyone), 25, replace=False))


@pytest.fixture
def known(members: Encodings, make_evidence: MakeEvidence) -> Evidence:
    metric = np.random.default_rng(1).normal(size=25)
    found = make_evidence(metric)
    weights = np.random.default_rng(2).uniform(0, 2, len(found.pairs)).astype(np.float32)
    return replace(found, weights=weights)


def brute(members: Encodings, known: Evidence, l2: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The penalised maximum likelihood by a general optimiser in all dimensions, and the curvature there."""
    rows = members.features.astype(float)
    loss = PairLoss(known.pairs, tempered(known.weights, len(rows)), len(rows))

    def objective(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value = loss.value(rows @ weights) + 0.5 * l2 * weights @ weights
        return value, rows.T @ loss.gradient(rows @ weights) + l2 * weights

    best = minimize(
        objective, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9}
    )
    return best.x, rows.T @ loss.hessian(rows @ best.x) @ rows + l2 * np.eye(rows.shape[1])


def centred(encodings: Encodings, members: Encodings) -> NDArray[np.float64]:
    return encodings.features.astype(float) - members.features.astype(float).mean(axis=0)


def test_the_weights_are_the_optimum(members: Encodings, known: Evidence, everyone: Encodings) -> None:
    predictor = LinearPredictor(l2=0.3)
    predictor.fit(members, known, seed=0)
    weights, _ = brute(members, known, 0.3)
    some = everyone.take(range(0, 5000, 100))
    np.testing.assert_allclose(predictor.score(some), centred(some, members) @ weights, atol=1e-4)


def test_spread_and_draws_are_the_laplace_posterior(members: Encodings, known: Evidence, everyone: Encodings) -> None:
    predictor = LinearPredictor(l2=0.3)
    predictor.fit(members, known, seed=0)
    some = everyone.take([3, 1500, 3000, 4500])
    rows = centred(some, members)
    covariance = rows @ np.linalg.inv(brute(members, known, 0.3)[1]) @ rows.T
    np.testing.assert_allclose(predictor.spread(some), np.sqrt(np.diag(covariance)), rtol=1e-4)
    draws = predictor.draws(some, range(1500))
    error = 4.0 / np.sqrt(1500)
    np.testing.assert_allclose(
        draws.mean(axis=0), predictor.score(some), atol=error * np.sqrt(np.diag(covariance).max())
    )
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=1.5 * error * np.diag(covariance).max())


def test_flipped_pairs_give_the_opposite_order(members: Encodings, known: Evidence, everyone: Encodings) -> None:
    right, wrong = LinearPredictor(), LinearPredictor()
    flipped = replace(known, pairs=known.pairs[:, ::-1].copy(), order=1 - known.order)
    right.fit(members, known, seed=0)
    wrong.fit(members, flipped, seed=0)
    np.testing.assert_allclose(right.score(everyone), -wrong.score(everyone), atol=1e-7)


def test_without_pairs_all_score_alike(members: Encodings, known: Evidence, everyone: Encodings) -> None:
    predictor = LinearPredictor()
    nothing = replace(known, pairs=np.zeros((0, 2), np.int64), weights=np.zeros(0, np.float32))
    predictor.fit(members, nothing, seed=0)
    assert not predictor.score(everyone).any()


def test_a_decomposition_that_does_not_converge_is_done_by_another_driver(
    members: Encodings, known: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = LinearPredictor()
    predictor.fit(members, known, seed=0)
    wanted = predictor.score(members), predictor.spread(members)

    def diverges(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", diverges)
    predictor.fit(members, known, seed=0)
    np.testing.assert_allclose(predictor.score(members), wanted[0], atol=1e-8)
    np.testing.assert_allclose(predictor.spread(members), wanted[1], atol=1e-8)
