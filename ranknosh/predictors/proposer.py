"""Where new candidates come from: a predictor's choices, guarded by what its earlier predictions turned out to be worth.

Every choice is a function of the results in the pool, the canonical ids taken so far and the candidate's own number, so that
a batch cut in two by a crash is completed to the batch it would have been.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from ranknosh.core.pairs import Evidence, PairRule, evidence
from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Fitted, Origin, Proposed
from ranknosh.core.schedules import Proposal
from ranknosh.core.seeding import LevelZero
from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Encodings, Floats, Predictor, Scale, reference
from ranknosh.predictors.candidates import Candidates, grown, whole
from ranknosh.predictors.gate import Verdict, judge
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream

Acquisition = Literal["thompson", "mean", "ucb"]
_ACQUISITIONS = get_args(Acquisition)
_REFERENCE = 512
_ATTEMPTS = 2000
_DIGITS = 9
_FEWEST = 4


@dataclass(frozen=True)
class _Learned:
    """What one state of the results (a pool and its revision) taught.

    ``scale`` is None where there was too little for a fit. ``weights`` of the proxies and ``leaders`` are level 0 as the results
    see it: what is worth trying, best first. ``grown`` holds the population of a batch.
    """

    results: tuple[Pool, int]
    evidence: Evidence
    scale: Scale | None
    verdict: Verdict
    fallback: str | None
    weights: Mapping[str, float] | None = None
    leaders: Sequence[tuple[str, Architecture]] = ()
    grown: dict[int, Candidates] = field(default_factory=dict)


@dataclass(eq=False)
class PredictorProposer:
    """Proxy picks first, then the choices of a predictor that is refitted whenever there are new results.

    Candidates are drawn at random, and the fit record says why, until there are enough results and while the predictions made
    so far were no better than chance (:mod:`ranknosh.predictors.gate`); scores are still recorded, so the gate can open again.
    No candidate is dead or has the canonical id of another.

    Args:
        space: of the architectures.
        predictor: refitted at each batch.
        pyramid: of the search.
        seeds: (architecture, origin, score) of candidates 0, 1, ...; where they end before batch 0 does, the rest is drawn at
            random.
        rule: see :func:`ranknosh.core.pairs.evidence`.
        near_tie: see :func:`ranknosh.core.pairs.evidence`.
        level_weight: see :func:`ranknosh.core.pairs.evidence`.
        exploration: chance of each candidate to be drawn uniformly from the architectures not seen yet.
        acquisition: ``thompson`` takes the best of a posterior draw (one draw a candidate), ``mean`` the best prediction,
            ``ucb`` the best of prediction plus its spread.
        seed: of every draw.
        level_zero: the proxies' values, weighed by the results so far; the fit record keeps the weights.
        follow: chance of each candidate that would be drawn at random after batch 0 to be the best of ``level_zero``; where
            no proxy helps, or all above the average are taken, it is drawn at random as well.

    Raises:
        ConfigError: for settings out of range.
    """

    space: Space
    predictor: Predictor
    pyramid: Pyramid
    _: KW_ONLY
    seeds: Sequence[tuple[Architecture, Origin, float | None]] = ()
    rule: PairRule = "level"
    near_tie: float = 0.0
    level_weight: float = 0.0
    exploration: float = 0.1
    acquisition: Acquisition = "thompson"
    seed: int = 0
    level_zero: LevelZero | None = None
    follow: float = 0.0

    def __post_init__(self) -> None:
        for setting, chance in (("propose.exploration", self.exploration), ("seeding.follow", self.follow)):
            if not 0 <= chance <= 1:
                raise ConfigError(f"{setting} is {chance}; it is a probability and must lie between 0 and 1")
        if self.acquisition not in _ACQUISITIONS:
            known = ", ".join(_ACQUISITIONS)
            raise ConfigError(f"propose.acquisition is {self.acquisition!r}; it must be one of {known}")
        self._learned: _Learned | None = None

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        """The next candidates; from batch 1 on with the fit record, unless all are drawn at random anyway.

        Args:
            pool: what is known.
            ids: numbers of the candidates; fewer come where the space has no more.
            batch: their batch, from 0.
        """
        started = time.perf_counter()
        steered = self.exploration < 1 or self.follow > 0
        learned = self._learn(pool) if batch > 0 and steered else None
        taken = set(pool.keys)
        records: list[Proposed] = []
        for number in ids:
            picked = self._pick(number, batch, taken, learned)
            if picked is None:
                break
            (architecture, origin, score), spread = picked, None
            if learned and learned.scale and origin in ("predictor", "explore"):
                alone = self._encoded([architecture])
                score = float(learned.scale.apply(self.predictor.score(alone))[0])
                spread = float(self.predictor.spread(alone)[0]) / learned.scale.deviation
            key, text = self.space.canonical(architecture), self.space.format(architecture)
            taken.add(key)
            records.append(Proposed(number, architecture, key, text, batch, origin, score, spread))
        if learned is None:
            return Proposal(tuple(records))
        fit = Fitted(
            batch,
            self.predictor.name,
            len(learned.evidence.members),
            len(learned.evidence.pairs),
            learned.verdict.tau,
            learned.verdict.compared,
            learned.fallback,
            time.perf_counter() - started,
            learned.weights,
        )
        return Proposal(tuple(records), fit)

    def prefer(self, pool: Pool, residents: Sequence[Candidate]) -> Sequence[Candidate]:
        """``residents`` by prediction, best first; as they came while the predictor is not trusted or not fitted."""
        learned = self._learn(pool)
        if learned.scale is None or learned.fallback is not None:
            return residents
        scores = self.predictor.score(self._encoded([candidate.architecture for candidate in residents]))
        order = np.argsort(-np.round(scores / learned.scale.deviation, _DIGITS), kind="stable")
        return [residents[index] for index in order]

    def _pick(
        self, number: int, batch: int, taken: set[str], learned: _Learned | None
    ) -> tuple[Architecture, Origin, float | None] | None:
        """One candidate, or None where the space has no more."""
        if number < len(self.seeds) and self._is_open(self.seeds[number][0], taken):
            return self.seeds[number]
        if learned is None:
            drawn = self._uniform(stream(self.seed, "random", number), taken)
            return (drawn, "random", None) if drawn else None
        rng = stream(self.seed, "explore", number)
        explore = rng.random() < self.exploration
        if learned.fallback is None and not explore:
            chosen = self._best(number, batch, taken, learned)
            if chosen:
                return chosen, "predictor", None
        drawn = self._leader(number, taken, learned) or self._uniform(rng, taken)
        return (drawn, "explore", None) if drawn else None

    def _is_open(self, architecture: Architecture, taken: set[str]) -> bool:
        return self.space.canonical(architecture) not in taken and not self.space.is_dead(architecture)

    def _leader(self, number: int, taken: set[str], learned: _Learned) -> Architecture | None:
        """The best of level 0 that is alive and not taken; None where this candidate is not to follow it."""
        if stream(self.seed, "follow", number).random() >= self.follow:
            return None
        return next((a for key, a in learned.leaders if key not in taken and not self.space.is_dead(a)), None)

    def _uniform(self, rng: np.random.Generator, taken: set[str]) -> Architecture | None:
        """A random architecture that is alive and not taken."""
        if self.space.enumerable:
            everyone = whole(self.space)
            free = np.flatnonzero(everyone.open(taken))
            return everyone.encodings.architectures[free[rng.integers(len(free))]] if len(free) else None
        drawn = (self.space.sample(rng) for _ in range(_ATTEMPTS))
        return next((architecture for architecture in drawn if self._is_open(architecture, taken)), None)

    def _best(self, number: int, batch: int, taken: set[str], learned: _Learned) -> Architecture | None:
        """The open candidate with the highest acquisition value; the earliest of equal ones."""
        assert learned.scale is not None
        candidates = self._candidates(batch, learned)
        free = candidates.open(taken)
        if not free.any():
            return None
        values = np.round(self._values(number, candidates.encodings) / learned.scale.deviation, _DIGITS)
        best = int(np.argmax(np.where(free, values, -np.inf)))
        return candidates.encodings.architectures[best]

    def _values(self, number: int, encodings: Encodings) -> Floats:
        if self.acquisition == "thompson":
            draw = int(stream(self.seed, "propose", number).integers(2**62))
            return self.predictor.draws(encodings, [draw])[0]
        mean = self.predictor.score(encodings)
        return mean if self.acquisition == "mean" else mean + self.predictor.spread(encodings)

    def _candidates(self, batch: int, learned: _Learned) -> Candidates:
        if self.space.enumerable:
            return whole(self.space)
        if batch not in learned.grown:
            order = learned.evidence.order
            ranked = [i for i in np.argsort(-order, kind="stable") if order[i] > 0]
            parents = [learned.evidence.members[i].architecture for i in ranked]
            rng = stream(self.seed, "grow", batch)
            learned.grown[batch] = grown(self.space, parents, self.predictor.score, rng)
        return learned.grown[batch]

    def _learn(self, pool: Pool) -> _Learned:
        """Refit, unless the results are those of the last fit."""
        results = (pool, pool.revision)
        if self._learned is None or self._learned.results != results:
            known = evidence(pool, self.pyramid, self.rule, self.near_tie, self.level_weight, self.seed)
            verdict = judge(pool)
            lacking = self._lacking(known)
            scale = self._fit(known) if lacking is None else None
            followed = self.level_zero if self.follow else None
            weights = followed.weights(known) if followed else None
            leaders = followed.leaders(weights) if followed and weights else ()
            fallback = lacking or verdict.distrust
            self._learned = _Learned(results, known, scale, verdict, fallback, weights, leaders)
        return self._learned

    def _lacking(self, known: Evidence) -> str | None:
        distinct = len(np.unique(known.order))
        if distinct < _FEWEST:
            return f"{distinct} distinct results so far, a predictor is fitted from {_FEWEST} on"
        return None if len(known.pairs) else "no two results are far enough apart to say which is better"

    def _encoded(self, architectures: Sequence[Architecture]) -> Encodings:
        if not self.space.enumerable:
            return Encodings(self.space, architectures)
        everyone = whole(self.space)
        return everyone.encodings.take([everyone.place[architecture] for architecture in architectures])

    def _fit(self, known: Evidence) -> Scale:
        members = [candidate.architecture for candidate in known.members]
        encodings = self._encoded(members)
        seed = int(stream(self.seed, "fit", len(members)).integers(2**62))
        self.predictor.fit(encodings, known, seed=seed)
        return Scale.of(self.predictor.score(self._yardstick))

    @cached_property
    def _yardstick(self) -> Encodings:
        return reference(self.space, _REFERENCE, self.seed)
