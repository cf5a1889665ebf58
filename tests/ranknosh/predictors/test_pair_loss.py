import math

import numpy as np

from ranknosh.predictors.pair_loss import PairLoss, tempered

PAIRS = np.array([[0, 1], [2, 1], [0, 3], [3, 2], [1, 4]], dtype=np.int64)
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0, 3.0], dtype=np.float32)
SCORES = np.array([0.3, -1.2, 0.8, 2.0, 0.1])


def test_value_by_hand() -> None:
    loss = PairLoss(np.array([[0, 1]]), np.array([2.0]), 2)
    assert math.isclose(loss.value(np.array([1.0, 0.0])), 2.0 * math.log(1.0 + math.exp(-1.0)))


def test_gradient_and_curvature_are_those_of_the_value() -> None:
    loss = PairLoss(PAIRS, WEIGHTS, 5)
    step = 1e-5
    nudges = np.eye(5) * step
    slope = [(loss.value(SCORES + nudge) - loss.value(SCORES - nudge)) / (2 * step) for nudge in nudges]
    bend = [(loss.gradient(SCORES + nudge) - loss.gradient(SCORES - nudge)) / (2 * step) for nudge in nudges]
    gradient, diagonal = loss.derivatives(SCORES)
    np.testing.assert_allclose(gradient, slope, atol=1e-8)
    np.testing.assert_allclose(loss.hessian(SCORES), bend, atol=1e-8)
    np.testing.assert_allclose(diagonal, np.diag(loss.hessian(SCORES)))


def test_every_pair_pushes_its_two_members_equally_apart() -> None:
    for pair, weight in zip(PAIRS, WEIGHTS, strict=True):
        gradient = PairLoss(pair[None], weight[None], 5).gradient(SCORES)
        others = np.setdiff1d(np.arange(5), pair)
        assert gradient[pair].sum() == 0
        assert not gradient[others].any()
        assert gradient[pair[0]] <= 0 <= gradient[pair[1]]


def test_extreme_scores_stay_finite() -> None:
    loss = PairLoss(PAIRS, WEIGHTS, 5)
    extreme = np.array([-1e4, 1e4, 0.0, 1e4, -1e4])
    assert np.isfinite(loss.value(extreme))
    assert np.isfinite(loss.gradient(extreme)).all()


def test_tempered_weights_sum_to_the_members_and_keep_their_ratios() -> None:
    scaled = tempered(WEIGHTS, 5)
    assert math.isclose(scaled.sum(), 5.0)
    np.testing.assert_allclose(scaled / scaled[0], WEIGHTS)
    assert tempered(np.zeros(3), 4).tolist() == [0, 0, 0]
