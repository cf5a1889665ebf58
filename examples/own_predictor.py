"""A predictor of your own: the order of the most similar architectures trained so far.

ranknosh search examples/own_predictor.yaml
ranknosh search configs/demo.yaml --predictor examples/own_predictor.py:Similar --set predictor.options.neighbours=5
"""

import numpy as np

from ranknosh.predictors.base import Predictor


class Similar(Predictor):
    """The mean place of the nearest members; how far these differ among each other is its spread."""

    def __init__(self, neighbours: int = 3) -> None:
        self.neighbours = neighbours

    def fit(self, encodings, evidence, *, seed):
        self._model = encodings.codes, evidence.order  # order: 1 for the best so far, 0 for what failed

    def nearest(self, encodings):
        codes, order = self.model
        distance = (encodings.codes[:, None] != codes[None]).sum(axis=2)
        return order[np.argsort(distance, axis=1, kind="stable")[:, : self.neighbours]]

    def score(self, encodings):
        return self.nearest(encodings).mean(axis=1)

    def spread(self, encodings):
        return self.nearest(encodings).std(axis=1)

    def draws(self, encodings, seeds):
        noise = [np.random.default_rng(seed).standard_normal(len(encodings)) for seed in seeds]
        return self.score(encodings) + 0.1 * np.array(noise).reshape(len(seeds), len(encodings))
