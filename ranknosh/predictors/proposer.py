"""Where new candidates come from: a predictor's choices, guarded by what its earlier predictions turned out to be worth.

Every choice is a function of the results in the pool, the canonical ids taken so far and the candidate's own number, so that
a batch cut in two by a crash is completed to the batch it would have been.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.candidates import Candidate
from ranknosh.core.constraints import Costs
from ranknosh.core.gate import Verdict, judge
from ranknosh.core.objectives import Objectives
from ranknosh.core.pairs import Evidence, PairRule, evidence
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Fitted, Origin, Proposed
from ranknosh.core.schedules import Proposal
from ranknosh.core.seeding import LevelZero
from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Encodings, Floats, Predictor, Scale, reference
from ranknosh.predictors.candidates import Candidates, grown, tiers, whole
from ranknosh.predictors.fronts import most_enlarging
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream

Acquisition = Literal["auto", "thompson", "mean", "ucb"]
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
    so far agree with the results not at all or the wrong way round (:mod:`ranknosh.core.gate`); scores are still recorded, so the
    gate can open again.
    No candidate is dead or has the canonical id of another. Where the space is too large to list, and a population is grown
    near the best so far, the predictor's choices of a batch differ from each other in several slots
    (:func:`ranknosh.predictors.candidates.tiers`): near-copies would tell little more than one of them.

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
            ``ucb`` the best of prediction plus its spread; ``auto`` is ucb where the space is too large to list, else thompson.
        seed: of every draw.
        level_zero: the proxies' values, which the predictor considers.
        follow: chance of each candidate that would be drawn at random after batch 0 to be the best of ``level_zero``,
            its proxies weighed by the results so far; the fit record keeps the weights. Where no proxy helps, or all above the
            average are taken, it is drawn at random as well.
        costs: what architectures cost, and which may be trained; None where nothing is asked of costs.
        objectives: the ranking metric and costs, where the front of all of them is searched for; None for the metric alone.

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
    costs: Costs | None = None
    objectives: Objectives | None = None

    def __post_init__(self) -> None:
        for setting, chance in (("propose.exploration", self.exploration), ("seeding.follow", self.follow)):
            if not 0 <= chance <= 1:
                raise ConfigError(f"{setting} is {chance}; it is a probability and must lie between 0 and 1")
        if self.acquisition not in _ACQUISITIONS:
            known = ", ".join(_ACQUISITIONS)
            raise ConfigError(f"propose.acquisition is {self.acquisition!r}; it must be one of {known}")
        if self.level_zero is not None:
            self.predictor.consider(self.level_zero)
        self._learned: _Learned | None = None
        self._proposed: list[Architecture] = []
        if self.acquisition == "auto":
            self.acquisition = "thompson" if self.space.enumerable else "ucb"

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
        self._proposed = []
        records: list[Proposed] = []
        for number in ids:
            picked = self._pick(number, batch, taken, learned, pool)
            if picked is None:
                break
            (drawn, origin, score), spread = picked, None
            architecture = self._cheapest_alike(drawn)
            if learned and learned.scale and origin in ("predictor", "explore"):
                alone = self._encoded([architecture])
                score = float(learned.scale.apply(self.predictor.score(alone))[0])
                spread = float(self.predictor.spread(alone)[0]) / learned.scale.deviation
            key, text = self.space.canonical(architecture), self.space.format(architecture)
            taken.add(key)
            self._proposed.append(architecture)
            costs = {} if self.costs is None else dict(self.costs.of(architecture))
            records.append(Proposed(number, architecture, key, text, batch, origin, score, spread, costs))
        costed = () if self.costs is None else self.costs.take()
        if learned is None:
            return Proposal(tuple(records), costed=costed)
        fit = Fitted(
            batch,
            self.predictor.name,
            len(learned.evidence.members),
            len(learned.evidence.pairs),
            learned.verdict.tau,
            learned.verdict.compared,
            learned.fallback,
            time.perf_counter() - started - sum(each.seconds for each in costed),
            learned.weights,
        )
        return Proposal(tuple(records), fit, costed)

    def prefer(self, pool: Pool, residents: Sequence[Candidate]) -> Sequence[Candidate]:
        """``residents`` by prediction, best first; as they came while the predictor is not trusted or not fitted."""
        learned = self._learn(pool)
        if learned.scale is None or learned.fallback is not None:
            return residents
        scores = self.predictor.score(self._encoded([candidate.architecture for candidate in residents]))
        order = np.argsort(-np.round(scores / learned.scale.deviation, _DIGITS), kind="stable")
        return [residents[index] for index in order]

    def _pick(
        self, number: int, batch: int, taken: set[str], learned: _Learned | None, pool: Pool
    ) -> tuple[Architecture, Origin, float | None] | None:
        """One candidate, or None where the space has no more."""
        if number < len(self.seeds) and self._is_open(self.seeds[number][0], taken):
            return self.seeds[number]
        if learned is None:
            drawn = self._uniform(stream(self.seed, "random", number), taken, pool)
            return (drawn, "random", None) if drawn else None
        rng = stream(self.seed, "explore", number)
        explore = rng.random() < self.exploration
        if learned.fallback is None and not explore:
            chosen = self._best(number, batch, taken, learned, pool)
            if chosen:
                return chosen, "predictor", None
        drawn = self._leader(number, taken, learned) or self._uniform(rng, taken, pool)
        return (drawn, "explore", None) if drawn else None

    def _cheapest_alike(self, architecture: Architecture) -> Architecture:
        """Of those that compute the same function, the cheapest, where costs are objectives: one of them alone is trained.

        In some spaces parts that no path reaches cost something. Itself where none of the others costs as little in everything.
        """
        if self.objectives is None or self.costs is None or not self.space.enumerable:
            return architecture
        everyone, names = whole(self.space), self.objectives.costs
        alike = [everyone.encodings.architectures[row] for row in everyone.alike(architecture)]
        cheapest = alike[np.lexsort(self.costs.estimates(alike, names, {}).T[::-1])[0]]
        if not self._feasible(cheapest):
            return architecture
        now, then = self.costs.of(architecture), self.costs.of(cheapest)
        return cheapest if all(then[name] <= now[name] for name in names) else architecture

    def _is_open(self, architecture: Architecture, taken: set[str]) -> bool:
        alive = self.space.canonical(architecture) not in taken and not self.space.is_dead(architecture)
        return alive and self._feasible(architecture)

    def _feasible(self, architecture: Architecture) -> bool:
        return self.costs is None or self.costs.feasible(architecture)

    def _leader(self, number: int, taken: set[str], learned: _Learned) -> Architecture | None:
        """The best of level 0 that is alive and not taken; None where this candidate is not to follow it."""
        if stream(self.seed, "follow", number).random() >= self.follow:
            return None
        return next((a for _, a in learned.leaders if self._is_open(a, taken)), None)

    def _uniform(self, rng: np.random.Generator, taken: set[str], pool: Pool) -> Architecture | None:
        """A random architecture that is alive, not taken, and meets the constraints.

        Where these are so narrow in a space that cannot be listed that many draws meet none, a mutation of a candidate.
        """
        if self.space.enumerable:
            everyone = whole(self.space)
            free = np.flatnonzero(everyone.open(taken))
            while len(free):
                place = rng.integers(len(free))
                architecture = everyone.encodings.architectures[free[place]]
                if self._feasible(architecture):
                    return architecture
                free = np.delete(free, place)
            return None
        drawn = (self.space.sample(rng) for _ in range(_ATTEMPTS))
        found = next((architecture for architecture in drawn if self._is_open(architecture, taken)), None)
        parents = [candidate.architecture for candidate in pool.candidates.values()]
        if found is not None or self.costs is None or not parents:
            return found
        near = (self.space.mutate(parents[rng.integers(len(parents))], rng) for _ in range(_ATTEMPTS))
        return next((architecture for architecture in near if self._is_open(architecture, taken)), None)

    def _best(self, number: int, batch: int, taken: set[str], learned: _Learned, pool: Pool) -> Architecture | None:
        """The open candidate with the highest acquisition value, the earliest of equal ones; where the space cannot be listed,
        those far enough from the others of the batch come first."""
        assert learned.scale is not None
        candidates = self._candidates(batch, learned)
        free = candidates.open(taken)
        if not free.any():
            return None
        if self.objectives is not None and self.costs is not None:
            return self._enlarging(number, batch, candidates, free, pool)
        values = np.round(self._values(number, candidates.encodings) / learned.scale.deviation, _DIGITS)
        values = np.where(free, values, -np.inf)
        first = np.zeros(len(values))
        if not self.space.enumerable:
            beside = [one.architecture for one in pool.candidates.values() if one.batch == batch] + self._proposed
            first = np.where(free, tiers(candidates.encodings.codes, self.space.codes(beside)), -1)
        order: Iterable[int] = np.lexsort((-values, -first))[: int(free.sum())]
        best_first = (candidates.encodings.architectures[place] for place in order)  # costs are found out one by one
        return next((architecture for architecture in best_first if self._feasible(architecture)), None)

    def _enlarging(
        self, number: int, batch: int, candidates: Candidates, free: NDArray[np.bool_], pool: Pool
    ) -> Architecture | None:
        """The open candidate that would enlarge the front most, by one draw of the metric and by its costs."""
        assert self.objectives is not None
        assert self.costs is not None
        known = [candidate for candidate in pool.candidates.values() if candidate.level > 0]
        waiting = [one.architecture for one in pool.candidates.values() if not one.level and one.failed is None]
        waiting = list(dict.fromkeys([*waiting, *self._proposed]))
        everyone, rows = candidates.with_these([*(candidate.architecture for candidate in known), *waiting])
        observed = np.array([candidate.observations[1].metric for candidate in known])
        names = self.objectives.costs
        before = {one.architecture: one.costs for one in known if one.batch < batch}
        costs = self.costs.estimates(everyone.architectures, names, before)
        shown = [self.costs.of(everyone.architectures[row]) for row in rows]
        costs[rows] = [[one[name] for name in names] for one in shown]
        open_ = np.zeros(len(everyone), dtype=np.bool_)
        open_[: len(free)] = free
        open_ &= np.isfinite(costs).all(axis=1)
        finite = np.where(np.isfinite(costs), costs, np.nanmax(np.where(np.isfinite(costs), costs, np.nan), axis=0))
        order = most_enlarging(
            self._values(number, everyone), finite, open_, rows[: len(known)], observed, rows[len(known) :]
        )
        return next((everyone.architectures[row] for row in order if self._feasible(everyone.architectures[row])), None)

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
