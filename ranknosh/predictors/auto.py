"""The ranker that predicts the members best, chosen anew at every refit by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Floats, Predictor
from ranknosh.predictors.encodings import Encodings
from ranknosh.streams import stream


@dataclass(eq=False)
class AutoPredictor(Predictor):
    """Chooses a ranker by the mean over folds of Kendall's tau between the scores of members left out and ``Evidence.order``.

    Folds are by architecture, so that no pair is seen in part. After a fit ``name`` is the choice and ``estimates`` holds the
    taus (None: undefined).

    Args:
        among: the rankers; the earliest wins a tie.
        parts: folds.
        margin: by how much a later ranker must be ahead. With few members the estimate is coarse, and a search gains nothing
            by changing its ranker back and forth.
    """

    among: Sequence[Predictor]
    _: KW_ONLY
    parts: int = 5
    margin: float = 0.02
    estimates: dict[str, float | None] = field(default_factory=dict, init=False)
    name = "auto"

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        self.estimates = {p.name: self._estimate(p, encodings, evidence, seed) for p in self.among}
        chosen, best = self.among[0], self.estimates[self.among[0].name]
        for predictor in self.among[1:]:
            estimate = self.estimates[predictor.name]
            if estimate is not None and (best is None or estimate > best + self.margin):
                chosen, best = predictor, estimate
        chosen.fit(encodings, evidence, seed=seed)
        self._model, self.name = chosen, f"auto:{chosen.name}"

    def score(self, encodings: Encodings) -> Floats:
        return self.model.score(encodings)

    def spread(self, encodings: Encodings) -> Floats:
        return self.model.spread(encodings)

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        return self.model.draws(encodings, seeds)

    def _estimate(self, predictor: Predictor, encodings: Encodings, evidence: Evidence, seed: int) -> float | None:
        n = len(encodings)
        taus: list[float] = []
        for drawn in np.array_split(stream(seed, "folds", n).permutation(n), min(self.parts, max(n // 4, 1))):
            part, rest = np.sort(drawn), np.setdiff1d(np.arange(n), drawn)
            if len(rest) < 4:
                continue
            predictor.fit(encodings.take(rest), evidence.subset(rest), seed=seed)
            tau = kendall_tau(predictor.score(encodings.take(part)), evidence.order[part])
            if tau is not None:
                taus.append(tau)
        return float(np.mean(taus)) if taus else None
