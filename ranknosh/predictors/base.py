"""What every ranker offers, and the unit of its scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.encodings import Encodings

Floats = NDArray[np.float64]


class Predictor(ABC):
    """Learns an order of architectures. Scores have no unit of their own: only their order and differences mean anything.

    ``fit`` replaces what was learned before. The other three raise RuntimeError before the first fit, and treat every
    architecture on its own: its value does not depend on the others of the same call, unless a predictor says otherwise. All
    are deterministic in their arguments and the seed of the fit. A predictor without uncertainty of its own has spread 0, and
    every draw is its score.
    """

    name: str
    _model: Any = None

    @property
    def model(self) -> Any:
        """What the last fit left. Raises RuntimeError before the first one."""
        if self._model is None:
            raise RuntimeError(f"the {self.name} predictor was asked for scores before it was fitted")
        return self._model

    @abstractmethod
    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        """Learn the order of n architectures.

        Args:
            encodings: of the n members.
            evidence: their order, level by level, and pairs of them; members in the order of ``encodings``.
            seed: of everything random in the fit.
        """

    @abstractmethod
    def score(self, encodings: Encodings) -> Floats:
        """(n,) mean prediction, higher is better."""

    def spread(self, encodings: Encodings) -> Floats:
        """(n,) standard deviation of the prediction, in the unit of the scores, never negative."""
        return np.zeros(len(encodings))

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        """(len(seeds), n): one draw from the posterior, or one ensemble member, for every seed."""
        return np.tile(self.score(encodings), (len(seeds), 1))


@dataclass(frozen=True, slots=True)
class Scale:
    """The mean and standard deviation of scores over a reference sample of random architectures."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> Scale:
        """The scale of these scores. Constant scores get deviation 1, so that standardising gives zeros, not NaN."""
        deviation = float(np.std(values)) if len(values) else 0.0
        mean = float(np.mean(values)) if len(values) else 0.0
        return cls(mean, deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0)

    def apply(self, values: Floats) -> Floats:
        """Scores in standard deviations above a random architecture."""
        return (values - self.mean) / self.deviation
