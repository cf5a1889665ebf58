"""Rankers made of rankers: a committee of bootstrap samples, and the best by cross-validation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pairs import Evidence
from ranknosh.core.seeding import LevelZero
from ranknosh.predictors.base import Encodings, Floats, Predictor, Scale, reference
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

    def consider(self, level_zero: LevelZero) -> None:
        for member in self._members:
            member.consider(level_zero)

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        if self._reference is None or self._reference.space is not encodings.space:
            self._reference = reference(encodings.space, _REFERENCE, seed=0)
        lessons = []
        for number, member in enumerate(self._members):
            rng = stream(seed, "bootstrap", number)
            rows, drawn = bootstrap(evidence, rng)
            lessons.append(Lesson(member, encodings.take(rows), drawn, int(rng.integers(2**31))))
        for number, member in self.fit_each(learn, lessons):
            self._members[number] = member
        self._model = [Scale.of(member.score(self._reference)) for member in self._members]

    def scores(self, encodings: Encodings) -> Floats:
        """(members, n) standardised scores."""
        fitted = self.model
        of, scores = encodings.derived.get(self, (None, None))
        if of is not fitted:
            pairs = zip(self._members, fitted, strict=True)
            scores = np.stack([scale.apply(member.score(encodings)) for member, scale in pairs])
            encodings.derived[self] = (fitted, scores)
        return scores

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


@dataclass(eq=False)
class AutoPredictor(Predictor):
    """The ranker that predicts the members best, chosen anew at every refit.

    It is chosen by the mean over folds of Kendall's tau between the scores of members left out and ``Evidence.order``. Folds are
    by architecture, so that no pair is seen in part. After a fit ``name`` is the choice and ``estimates`` holds the taus (None:
    undefined).

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

    def consider(self, level_zero: LevelZero) -> None:
        for predictor in self.among:
            predictor.consider(level_zero)

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
