import sys

import numpy as np
import pytest

from ranknosh.errors import MissingDependency
from ranknosh.predictors.gbdt import GbdtPredictor, objective
from ranknosh.predictors.pair_loss import PairLoss


def test_the_objective_is_the_pair_loss_with_a_floor_under_the_curvature() -> None:
    pairs, weights = np.array([[0, 1], [2, 1], [0, 2]]), np.array([1.0, 2.0, 0.5])
    loss = PairLoss(pairs, weights, 4)
    scores = np.array([0.5, -0.25, 1.0, 9.0])
    gradient, curvature = objective(scores.astype(np.float32), None, loss=loss)
    step = 1e-5
    nudges = np.eye(4) * step
    slope = [(loss.value(scores + nudge) - loss.value(scores - nudge)) / (2 * step) for nudge in nudges]
    bend = [(loss.gradient(scores + n)[i] - loss.gradient(scores - n)[i]) / (2 * step) for i, n in enumerate(nudges)]
    np.testing.assert_allclose(gradient, slope, atol=1e-8)
    np.testing.assert_allclose(curvature[:3], bend[:3], atol=1e-8)
    assert curvature[3] == 1e-6, "a member without pairs must not divide by zero"
    assert abs(gradient.sum()) < 1e-12


def test_a_missing_xgboost_is_named_when_the_predictor_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingDependency, match="xgboost"):
        GbdtPredictor()
