"""Gradient-boosted trees (xgboost) descending the pairwise logistic loss over the explicit, weighted list of pairs.

xgboost's own rank:pairwise forms pairs inside groups only, and the pairs of a pyramid run between its levels as well. Gradient
and curvature are those of ``PairLoss``; the curvature is the diagonal alone, with a floor. Deviation from the usual recipe,
which divides each row by its number of pairs: all weights are scaled by one number, so that the gradient stays exact.
"""

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.errors import MissingDependency
from ranknosh.predictors.base import Encodings, Floats, Predictor
from ranknosh.predictors.pair_loss import PairLoss, tempered
from ranknosh.streams import stream

_FLOOR = 1e-6


def objective(predictions: NDArray[np.floating], _: Any, *, loss: PairLoss) -> tuple[Floats, Floats]:
    """What xgboost asks of an objective: gradient and curvature of every row, each (n,).

    Args:
        predictions: (n,) scores, higher is better.
        _: xgboost's matrix of the rows, which is not needed.
        loss: over pairs of rows.
    """
    gradient, diagonal = loss.derivatives(np.asarray(predictions, dtype=np.float64).reshape(-1))
    return gradient, np.maximum(diagonal, _FLOOR)


@dataclass(eq=False, kw_only=True)
class GbdtPredictor(Predictor):
    """One booster on ``features``; runs on one thread, which is both faster at this size and deterministic.

    It has no uncertainty of its own, so it is used inside an ensemble (the catalog's ``gbdt`` is one).

    Args:
        rounds: trees.
        depth: of a tree.
        rate: learning rate.
        columns: share of the features that a split sees.

    Raises:
        MissingDependency: xgboost is not installed.
    """

    rounds: int = 60
    depth: int = 3
    rate: float = 0.2
    columns: float = 0.3
    name = "gbdt"

    def __post_init__(self) -> None:
        if find_spec("xgboost") is None:
            raise MissingDependency("xgboost", "the gbdt predictor")

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        import xgboost

        n = len(encodings)
        loss = PairLoss(evidence.pairs, tempered(evidence.weights, n), n)
        settings = {
            "max_depth": self.depth,
            "eta": self.rate,
            "colsample_bynode": self.columns,
            "subsample": 1.0,
            "lambda": 1.0,
            "min_child_weight": 0.2,
            "base_score": 0.0,
            "tree_method": "hist",
            "max_bin": 16,
            "nthread": 1,
            "verbosity": 0,
            "seed": int(stream(seed, "gbdt").integers(2**31 - 1)),
        }
        rows = xgboost.QuantileDMatrix(encodings.features, label=np.zeros(n), max_bin=16, nthread=1)
        self._model = xgboost.train(settings, rows, num_boost_round=self.rounds, obj=partial(objective, loss=loss))

    def score(self, encodings: Encodings) -> Floats:
        booster = self.model
        if not len(encodings):
            return np.zeros(0)
        predicted = booster.inplace_predict(encodings.features, predict_type="margin")
        return np.asarray(predicted, dtype=np.float64).reshape(-1)
