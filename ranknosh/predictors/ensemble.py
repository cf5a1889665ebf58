"""A committee of rankers, each trained on its own bootstrap sample of the architectures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Floats, Predictor, Scale
from ranknosh.predictors.encodings import WORTH_KEEPING, Encodings, reference
from ranknosh.streams import stream

_REFERENCE = 512


class Lesson(NamedTuple):
    """A member that is to learn, and from what."""

    member: Predictor
    encodings: Encodings
    evidence: Evidence
    seed: int


def learn(lesson: Lesson) -> Predictor:
    """The member, fitted."""
    lesson.member.fit(lesson.encodings, lesson.evidence, seed=lesson.seed)
    return lesson.member


FitEach = Callable[[Callable[[Lesson], Predictor], Sequence[Lesson]], Iterator[tuple[int, Predictor]]]
"""Gives (index, fitted member) of every lesson in any order, such as an executor's ``map``."""


class EnsemblePredictor(Predictor):
    """Several rankers; score and spread are the mean and standard deviation over them.

    Every member's scores are standardised over the same random architectures before they are averaged, since a ranker's
    scores have no unit. A draw is one member, chosen by the draw's seed. ``fit_each`` may be set to have members fitted
    elsewhere, in parallel; it does not change what they learn.

    Args:
        make: the ranker with this number, from 0.
        members: how many.
        name: of the ensemble in records.
    """

    fit_each: FitEach = staticmethod(lambda fit, lessons: enumerate(map(fit, lessons)))

    def __init__(self, make: Callable[[int], Predictor], *, members: int, name: str = "ensemble") -> None:
        self.name = name
        self._members = [make(i) for i in range(members)]
        self._reference: Encodings | None = None
        self._last: tuple[Encodings, Floats] | None = None

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        if self._reference is None or self._reference.space is not encodings.space:
            self._reference = reference(encodings.space, _REFERENCE, seed=0)
        self._model = self._last = None
        lessons = []
        for number, member in enumerate(self._members):
            rng = stream(seed, "bootstrap", number)
            rows, drawn = bootstrap(evidence, rng)
            lessons.append(Lesson(member, encodings.take(rows), drawn, int(rng.integers(2**31))))
        for number, member in self.fit_each(learn, lessons):
            self._members[number] = member
        self._model = [Scale.of(member.score(self._reference)) for member in self._members]

    def scores(self, encodings: Encodings) -> Floats:
        """(members, n) standardised scores, kept for the large set asked for last."""
        scales = self.model
        if self._last is not None and self._last[0] is encodings:
            return self._last[1]
        pairs = zip(self._members, scales, strict=True)
        found = np.stack([scale.apply(member.score(encodings)) for member, scale in pairs])
        if len(encodings) >= WORTH_KEEPING:
            self._last = (encodings, found)
        return found

    def score(self, encodings: Encodings) -> Floats:
        return self.scores(encodings).mean(axis=0)

    def spread(self, encodings: Encodings) -> Floats:
        return self.scores(encodings).std(axis=0)

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        chosen = [int(stream(seed, "ensemble draw").integers(len(self._members))) for seed in seeds]
        return self.scores(encodings)[chosen]


def bootstrap(evidence: Evidence, rng: np.random.Generator) -> tuple[NDArray[np.int64], Evidence]:
    """Members drawn with replacement, as many as there are: the distinct ones drawn, and the evidence on them.

    Drawing architectures, not pairs, keeps the members of an ensemble apart: pairs of one architecture are not independent.
    """
    n = len(evidence.order)
    rows, counts = np.unique(rng.integers(n, size=n), return_counts=True)
    return rows, evidence.subset(rows, counts)
