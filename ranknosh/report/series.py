"""What the plots show, as plain numbers. Pure functions of a :class:`SearchView`; None or an empty list where there is nothing.

``validation`` is the metric that people read first (``SearchView.headline``), in its own unit and direction. Seconds are
seconds, epochs are training epochs of one candidate.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean

import numpy as np

from ranknosh.core.candidates import Candidate
from ranknosh.core.metrics import Agreement, agreement
from ranknosh.core.pairs import front
from ranknosh.core.pool import Pool
from ranknosh.core.ranking import hypervolume, reference_of
from ranknosh.core.records import Failed, Interrupted, Observed, Promotion, Signal, Speculated
from ranknosh.core.signals import SignalStanding, standing
from ranknosh.errors import ConfigError, SpaceError
from ranknosh.report.view import SearchView

MOST_VOLUMES = 120
"""Results of a run after which its front and its hypervolume are worked out."""


@dataclass(frozen=True)
class Reached:
    """A candidate at a level, placed in time: ``epochs`` and ``device_seconds`` charged and ``seconds`` gone until then."""

    epochs: int
    seconds: float
    device_seconds: float
    candidate_id: int
    level: int
    validation: float | None
    metric: float


def incumbents(view: SearchView) -> list[Reached]:
    """The best candidate right after a result, one entry per change, in time order: what the search would have answered there.

    A first result at a higher level takes the lead by that alone, so the metric may dip where a level opens.
    """
    pool, found = Pool(), list[Reached]()
    for record, seconds in zip(view.history.records, view.history.times, strict=True):
        pool.apply(record)
        best = pool.best() if isinstance(record, Observed) else None
        if best is None or best.metric is None:
            continue
        point = Reached(
            pool.epochs_spent, seconds, pool.device_seconds, best.id, best.level, view.shown(best.metrics), best.metric
        )
        if not found or _answer(point) != _answer(found[-1]):
            found.append(point)
    return found


def _answer(reached: Reached) -> Reached:
    """Who and what it is, whenever that was."""
    return replace(reached, epochs=0, seconds=0, device_seconds=0)


def results(view: SearchView) -> list[Reached]:
    """Every completed level (retrainings left out), when it ended."""
    pool, found = Pool(), list[Reached]()
    for record, seconds in zip(view.history.records, view.history.times, strict=True):
        pool.apply(record)
        if isinstance(record, Observed) and record.replica == 0:
            at = (record.candidate_id, record.level, view.shown(record.metrics), record.metric)
            found.append(Reached(pool.epochs_spent, seconds, pool.device_seconds, *at))
    return found


def ends(view: SearchView) -> dict[str, float]:
    """What a search took until its end, by the fields of :class:`Reached`; a stock network that was trained last is left out."""
    last = max((result.seconds for result in results(view)), default=0.0)
    seconds = max(view.search_seconds, last)
    return {"epochs": view.pool.epochs_spent, "device_seconds": view.pool.device_seconds, "seconds": seconds}


@dataclass(frozen=True)
class BudgetPart:
    """A share of the cost. ``planned`` epochs are known before the run; ``epochs`` and ``seconds`` were spent."""

    name: str
    planned: int | None
    epochs: int
    seconds: float


def budget_parts(view: SearchView) -> list[BudgetPart]:
    """Where epochs and device seconds went: proxies, each level, closing, retraining, failures, predictor, test.

    The epochs sum to the epochs charged; attempts that were lost or lost to another one cost seconds, not budget.
    """
    closing = {
        (r.candidate_id, r.to_level) for r in view.history.records if isinstance(r, Promotion) and r.reason != "quota"
    }
    epochs, seconds, pool = Counter[str](), defaultdict[str, float](float), view.pool
    for record in view.history.records:
        if isinstance(record, (Observed, Interrupted, Failed, Speculated)):
            name = _part_of(record, closing)
            free = isinstance(record, Speculated) or (isinstance(record, Failed) and not record.final)
            epochs[name] += 0 if free else record.epochs
            seconds[name] += record.seconds
    plan, pyramid, limit = view.plan(), view.pyramid, view.settings.budget.epochs
    planned: dict[str, int | None] = {f"level {level}": None for level in view.levels}
    planned |= dict.fromkeys(("closing promotions", "finalists again", "failed trainings", "second attempts"))
    if plan is not None and plan.candidates is not None:
        sizes = pyramid.sizes(plan.candidates)
        levels = {f"level {level}": sizes[level - 1] * pyramid.steps[level - 1] for level in view.levels}
        again = view.settings.pyramid.finalists * pyramid.epochs[-1]
        planned |= levels | {"finalists again": again}
        if plan.by_epochs and limit is not None:
            planned["closing promotions"] = max(limit - sum(levels.values()) - again, 0)
    parts = [BudgetPart("proxies", 0, 0, pool.proxy_seconds), BudgetPart("costs", 0, 0, pool.cost_seconds)]
    parts += [BudgetPart(name, part, epochs[name], seconds[name]) for name, part in planned.items()]
    parts += [BudgetPart("predictor", 0, 0, pool.predictor_seconds), BudgetPart("test", 0, 0, pool.test_seconds)]
    return [part for part in parts if part.planned or part.epochs or part.seconds or part.name.startswith("level")]


def _part_of(record: Observed | Interrupted | Failed | Speculated, closing: set[tuple[int, int]]) -> str:
    """The part of the budget that a record belongs to; ``closing``: (candidate, level) of closing promotions."""
    if isinstance(record, Failed):
        return "failed trainings"
    if isinstance(record, Speculated):
        return "second attempts"
    if record.replica:
        return "finalists again"
    return "closing promotions" if (record.candidate_id, record.level) in closing else f"level {record.level}"


def level_agreement(view: SearchView) -> list[tuple[int, int, Agreement]]:
    """For every level below the highest reached one: does its order predict the order there? (low, high, correlation).

    Only candidates that completed both count. They were promoted because they did well, which narrows the range and makes
    the figure lower than it would be over unselected candidates.
    """
    high = max((level for level in view.levels if view.reached(level)), default=0)
    both = view.pool.at_level(high) if high else []
    highs = [c.by_level[high] for c in both]
    return [(low, high, agreement([c.by_level[low] for c in both], highs)) for low in range(1, high)]


def signal_standings(view: SearchView) -> list[tuple[Signal, SignalStanding]]:
    """For every level that somebody was promoted out of: what ranked it the last time, and how well each signal predicted the
    level above."""
    used = {each.to_level - 1: each.signal for each in view.pool.decisions if isinstance(each, Promotion)}
    return [(used[level], standing(view.pool, level)) for level in sorted(used)]


def predicted(view: SearchView) -> list[tuple[float, Candidate]]:
    """(score given before training, candidate) of every scored candidate that completed level 1."""
    return [(c.score, c) for c in view.pool.candidates.values() if c.score is not None and 1 in c.observations]


def proxy_values(view: SearchView) -> dict[str, list[tuple[float, Candidate]]]:
    """Per proxy: (value, candidate) of every candidate that has the value and completed level 1."""
    by_key = {c.key: c for c in view.pool.candidates.values() if 1 in c.observations}
    values: dict[str, list[tuple[float, Candidate]]] = {}
    for scored in view.pool.scored:
        for name, value in scored.values.items():
            pairs = values.setdefault(name, [])
            if value is not None and scored.key in by_key:
                pairs.append((value, by_key[scored.key]))
    return {name: pairs for name, pairs in values.items() if pairs}


def linked(pairs: Sequence[tuple[float, Candidate]], level: int = 1) -> Agreement:
    """A value against the ranking metric at ``level``, over the candidates that completed it."""
    known = [(value, c.by_level[level]) for value, c in pairs if level in c.observations]
    return agreement([value for value, _ in known], [metric for _, metric in known])


@dataclass(frozen=True)
class Volumes:
    """How much of what there is to have the front covers: its hypervolume over the course of a search.

    ``points``: (epochs charged, hypervolume as a share of the box between the reference point and the best of every objective).
    ``reference``: a value an objective, the ranking metric first, each higher is better (costs are negated).
    """

    points: Sequence[tuple[int, float]]
    reference: Sequence[float]


def volumes(view: SearchView) -> Volumes | None:
    """The hypervolume of the front after results, at most :data:`MOST_VOLUMES` of them; None without objectives or results.

    The reference point is beyond the worst of all results of the run so far (:func:`~ranknosh.core.ranking.reference_of`), so
    that a run that goes on, or another run, has another one.
    """
    objectives, records = view.pool.objectives, view.history.records
    ends = [place for place, record in enumerate(records) if isinstance(record, Observed)]
    if objectives is None or not ends:
        return None
    results = [record for record in records if isinstance(record, Observed)]
    costs = {candidate.id: candidate.costs for candidate in view.pool.candidates.values()}
    everything = np.array([objectives.values(result.metric, costs[result.candidate_id]) for result in results])
    reference = reference_of(everything)
    box = float(np.prod(everything.max(axis=0) - reference))
    kept = {ends[round(place)] for place in np.linspace(0, len(ends) - 1, min(len(ends), MOST_VOLUMES))}
    pool, found = Pool(objectives=objectives), []
    for place, record in enumerate(records):
        pool.apply(record)
        if place in kept:
            best = front(pool, view.pyramid.levels)
            values = [objectives.values(one.metric, one.costs) for one in best if one.metric is not None]
            covered = hypervolume(np.array(values), reference) if values else 0.0
            found.append((pool.epochs_spent, covered / box))
    return Volumes(found, reference.tolist())


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> list[int]:
    """Indices, by rising cost, of the points no other point beats: none is as cheap and better, or cheaper and as good."""
    front: list[int] = []
    for index in sorted(range(len(costs)), key=lambda i: (costs[i], -values[i])):
        if not front or values[index] > values[front[-1]]:
            front.append(index)
    return front


def top_group(view: SearchView) -> list[Candidate]:
    """The best 10 % of the leaderboard where that is ten or more candidates, else the best 25 %, and never fewer than one."""
    ranked = view.leaderboard()
    size = ceil(0.10 * len(ranked))
    return ranked[: size if size >= 10 else ceil(0.25 * len(ranked))]


def operation_shares(view: SearchView) -> dict[str, tuple[float, float]]:
    """Share of each operation in the slots that may hold it, of :func:`top_group` and of every candidate with a result.

    Where an operation is named with what it is chosen for (``width=16``), these slots are those of the same name.
    """
    everyone, top = view.leaderboard(), top_group(view)
    if not everyone:
        return {}
    try:
        operations = view.space.operations
        counts = {c.id: view.space.operation_counts(c.architecture) for c in everyone}
    except (ConfigError, SpaceError):
        return {}

    def share(group: Sequence[Candidate], operation: str) -> float:
        alike = [name for name in operations if name.rpartition("=")[0] == operation.rpartition("=")[0]]
        total = sum(counts[c.id].get(name, 0) for c in group for name in alike)
        return sum(counts[c.id].get(operation, 0) for c in group) / total if total else 0.0

    return {name: (share(top, name), share(everyone, name)) for name in operations}


@dataclass(frozen=True)
class OriginRow:
    """What one way of choosing candidates gave: ``values`` at level 1, ``promoted`` to level 2 and trained there."""

    origin: str
    proposed: int
    values: Sequence[float]
    promoted: int
    best_rank: int | None


def origin_rows(view: SearchView) -> list[OriginRow]:
    """One row per origin, in order of first use."""
    rank = {candidate.id: place for place, candidate in enumerate(view.leaderboard(), 1)}
    groups: dict[str, list[Candidate]] = {}
    for candidate in view.pool.candidates.values():
        groups.setdefault(candidate.origin, []).append(candidate)
    rows = []
    for origin, group in groups.items():
        promoted = sum(2 in c.observations for c in group)
        best = min((rank[c.id] for c in group if c.id in rank), default=None)
        rows.append(OriginRow(origin, len(group), _values(view, group, 1), promoted, best))
    return rows


def _values(view: SearchView, candidates: Sequence[Candidate], level: int) -> list[float]:
    found = [view.shown(c.observations[level].metrics) for c in candidates if level in c.observations]
    return [value for value in found if value is not None]


def margins(view: SearchView) -> list[tuple[int, float, float, int]]:
    """Level by level: the found architecture's metric there, the mean of the candidates of batch 0 there, and how many these are.

    All of batch 0 was trained to level 1; those that went higher were chosen, so higher rows are the harder comparison.
    """
    best, rows = view.pool.best(), []
    for level, observed in sorted(best.observations.items()) if best else []:
        known = _values(view, [c for c in view.pool.at_level(level) if c.batch == 0], level)
        value = view.shown(observed.metrics)
        if value is not None and known:
            rows.append((level, value, fmean(known), len(known)))
    return rows
