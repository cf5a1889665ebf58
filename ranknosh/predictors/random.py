"""A ranker that knows nothing: the floor, and what shows that a gate closes."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings, Floats, Predictor
from ranknosh.streams import stream


class RandomPredictor(Predictor):
    """Standard normal scores hashed from the code and the seed of the fit: the same architecture, the same score."""

    name = "random"

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        self._model = seed

    def score(self, encodings: Encodings) -> Floats:
        return _hashed(encodings, self.model)

    def spread(self, encodings: Encodings) -> Floats:
        return np.ones(len(encodings))

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        return np.array([_hashed(encodings, seed) for seed in seeds]).reshape(len(seeds), len(encodings))


def _hashed(encodings: Encodings, seed: int) -> Floats:
    """(n,) normals, a mixing hash of every code (the finaliser of splitmix64, slot by slot)."""
    state = np.full(len(encodings), stream(seed, "random scores").integers(2**63), dtype=np.uint64)
    for choices in encodings.codes.T.astype(np.uint64):
        state = state * np.uint64(0x9E3779B97F4A7C15) + choices + np.uint64(1)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return ndtri(((state >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)
