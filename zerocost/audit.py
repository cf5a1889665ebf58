"""Which proxies tell good candidates from bad ones on this space, judged on outcomes, and what each should weigh."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zerocost.aggregate import Row, oriented, oriented_column, rank_mean, ranked
from zerocost.correlation import confidence_interval, kendall_tau, partial_spearman, spearman, standardised_ranks
from zerocost.weighing import checked_columns, fitted_weights, proxy_weights

__all__ = ["Audit", "CombinationAudit", "Estimate", "ProxyAudit", "audit", "proxy_weights", "redundant"]

# Below this many candidates nothing is said of a correlation.
_FEWEST = 5
_FOLDS = 5
# Splits are repeated until about this many candidates were held out: the more there are, the less one split matters.
_HELD_OUT = 20_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rank correlation in [-1, 1] with its 95 % confidence interval; None where it cannot be said."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is."""
        return self.low is not None and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval is."""
        return self.high is not None and self.high < 0


@dataclass(frozen=True, slots=True)
class ProxyAudit:
    """What one proxy says of ``n`` candidates, ``missing`` of which have no value for it and count as its worst.

    Its values are turned first, so that a correlation above 0 speaks for it. ``spearman`` and ``kendall``: with the outcomes.
    ``beyond_size``: Spearman's with the rank of the size held fixed; None for the size itself and without one. ``among_best``:
    Spearman's among the better outcomes only. ``redundant_with``: a proxy that orders the candidates nearly the same way or
    nearly backwards, and is kept. ``weight``: that of :func:`proxy_weights`.

    ``verdict`` is the first of these that holds, by 95 % intervals:
    "misleads": that of ``spearman`` lies below 0. "says what NAME says": redundant with NAME, in the same direction.
    "helps beyond size": those of ``spearman`` and ``beyond_size`` lie above 0. "helps": that of ``spearman`` does.
    "no evidence": none of these, or fewer than 5 candidates.
    """

    name: str
    direction: int
    n: int
    missing: int
    spearman: Estimate
    kendall: float | None
    beyond_size: Estimate
    among_best: Estimate
    redundant_with: str | None
    weight: float
    verdict: str


@dataclass(frozen=True, slots=True)
class CombinationAudit:
    """Spearman's correlation of weighted mean ranks with the outcomes.

    ``equal``: all proxies alike. ``cross_validated``: each fifth of the candidates scored with weights fitted on the other
    four, the mean over many splits, of which one on which nothing helps counts 0; its interval leaves out how the fit varies.
    ``fitted``: weights judged on what they were fitted on, which flatters them, so without an interval; None where no proxy
    helps. ``size``: the size alone, larger counted as better unless a direction says otherwise.
    """

    equal: Estimate
    fitted: float | None
    cross_validated: Estimate
    size: Estimate


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of :func:`audit`: one entry a proxy in the order asked for, their combination, and what to keep in mind."""

    n: int
    size: str
    proxies: tuple[ProxyAudit, ...]
    combination: CombinationAudit
    notes: tuple[str, ...]

    @property
    def weights(self) -> dict[str, float]:
        """Proxy name -> fitted weight."""
        return {proxy.name: proxy.weight for proxy in self.proxies}

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers, as JSON holds them; every number is finite."""
        found = asdict(self)
        return found | {"proxies": list(found["proxies"]), "notes": list(found["notes"])}


def redundant(
    values: Sequence[Row],
    directions: Mapping[str, int],
    limit: float = 0.95,
    keep_first: Sequence[str] | None = None,
    outcomes: Sequence[float] | None = None,
) -> dict[str, str]:
    """Proxies that add nothing to another one: dropped name -> the kept name with which it agrees most.

    One after another, a proxy is kept unless its Spearman correlation with a kept one is above ``limit`` or below ``-limit``.
    First come the names of ``keep_first``; without it, where there are ``outcomes`` ((n,), higher is better), those that agree
    best with them; the others follow in the order of ``directions``. A constant proxy agrees with none. Orders of few
    candidates agree by chance, so give all that were scored, not only those that were trained.

    Raises ValueError where limit is not in (0, 1], ``keep_first`` names no proxy of ``directions``, a direction is neither +1
    nor -1, or outcomes are not finite or not one a candidate.
    """
    if unknown := [name for name in keep_first or () if name not in directions]:
        raise ValueError(f"keep_first names {', '.join(unknown)}, but the proxies are {', '.join(directions)}")
    columns = oriented(values, directions) if outcomes is None else checked_columns(values, outcomes, directions)
    by_name = dict(zip(directions, columns, strict=True))
    if keep_first is not None:
        return _redundant(by_name, limit, [*keep_first, *directions])
    return _redundant(by_name, limit, list(directions) if outcomes is None else _strongest_first(by_name, outcomes))


def audit(
    values: Sequence[Row],
    outcomes: Sequence[float],
    directions: Mapping[str, int],
    *,
    size: str = "params",
    limit: float = 0.95,
    strength: float = 10.0,
    top: float = 0.5,
    seed: int = 0,
    repeats: int = 200,
) -> Audit:
    """What the outcomes of observed candidates say about each proxy of ``directions``, and about their weighted mean rank.

    values: one mapping an observed candidate, proxy name -> value or None (the worst). outcomes: (n,) finite, higher is better.
    size: name of the values that ``beyond_size`` holds fixed, of which only the order counts (log params are as good as
    params); it need not be one of the proxies. limit: see :func:`redundant`, which is done here among the observed candidates,
    those that agree best with the outcomes first. strength: see :func:`proxy_weights`. top: the share of the best outcomes
    ``among_best`` looks at (with all that tie with the last of them). seed: of the splits into fifths, of which there are
    ``repeats``, but no more than 20,000 / n and at least one.

    A search observes what its proxies liked. That restricts their range, and a correlation over observed candidates comes out
    smaller than over all of them; the notes say so. Intervals take candidates for independent draws.
    Raises ValueError as :func:`proxy_weights` and :func:`redundant` do, and where top is not in (0, 1] or repeats below 1.
    """
    if not 0 < top <= 1:
        raise ValueError(f"top is {top}, but a share above 0 and at most 1 of the candidates is looked at")
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}, but there must be at least one split")
    weights = proxy_weights(values, outcomes, directions, strength)
    columns = dict(zip(directions, oriented(values, directions), strict=True))
    dropped = _redundant(columns, limit, _strongest_first(columns, outcomes))
    sizes: list[float] | None = oriented_column(values, size, directions.get(size, 1))
    if max(sizes or (), default=-math.inf) == -math.inf:
        sizes = None
    proxies = tuple(
        _of_proxy(name, direction, columns, outcomes, sizes, top, dropped.get(name), weights[name])
        for name, direction in directions.items()
    )
    combination = CombinationAudit(
        equal=_estimate(rank_mean(values, directions), outcomes),
        fitted=_estimate(rank_mean(values, directions, weights), outcomes).value if any(weights.values()) else None,
        cross_validated=_cross_validated(list(columns.values()), outcomes, strength, seed, repeats),
        size=_estimate(sizes, outcomes) if sizes is not None else Estimate(),
    )
    return Audit(
        len(values), size, proxies, combination, _notes(len(values), proxies, combination, size, sizes is None)
    )


def _of_proxy(
    name: str,
    direction: int,
    columns: Mapping[str, Sequence[float]],
    outcomes: Sequence[float],
    sizes: Sequence[float] | None,
    top: float,
    twin: str | None,
    weight: float,
) -> ProxyAudit:
    column, n = columns[name], len(outcomes)
    whole, beyond = _estimate(column, outcomes), Estimate()
    if sizes is not None and n >= _FEWEST:
        beyond = _with_interval(partial_spearman(column, outcomes, [sizes]), n, controls=1)
    best = _best(outcomes, top)
    twin = twin if n >= _FEWEST else None
    same_way = twin is not None and (spearman(column, columns[twin]) or 0.0) > 0
    return ProxyAudit(
        name=name,
        direction=direction,
        n=n,
        missing=sum(value == -math.inf for value in column),
        spearman=whole,
        kendall=kendall_tau(column, outcomes) if n >= _FEWEST else None,
        beyond_size=beyond,
        among_best=_estimate([column[row] for row in best], [outcomes[row] for row in best]),
        redundant_with=twin,
        weight=weight,
        verdict=_verdict(whole, beyond, twin if same_way else None),
    )


def _verdict(whole: Estimate, beyond_size: Estimate, says: str | None) -> str:
    if whole.below_zero:
        return "misleads"
    if says is not None:
        return f"says what {says} says"
    if whole.above_zero:
        return "helps beyond size" if beyond_size.above_zero else "helps"
    return "no evidence"


def _estimate(column: Sequence[float], outcomes: Sequence[float]) -> Estimate:
    return _with_interval(spearman(column, outcomes), len(outcomes)) if len(outcomes) >= _FEWEST else Estimate()


def _with_interval(rho: float | None, n: int, controls: int = 0) -> Estimate:
    return Estimate() if rho is None else Estimate(rho, *(confidence_interval(rho, n, controls) or ()))


def _best(outcomes: Sequence[float], top: float) -> list[int]:
    """Rows of the best share of the outcomes, and those that tie with the last of them."""
    if not outcomes:
        return []
    last = sorted(outcomes, reverse=True)[max(1, math.ceil(top * len(outcomes) - 1e-9)) - 1]
    return [row for row, outcome in enumerate(outcomes) if outcome >= last]


def _strongest_first(columns: Mapping[str, Sequence[float]], outcomes: Sequence[float]) -> list[str]:
    agreement = {name: spearman(column, outcomes) for name, column in columns.items()}
    return sorted(columns, key=lambda name: -math.inf if (rho := agreement[name]) is None else rho, reverse=True)


def _redundant(columns: Mapping[str, Sequence[float]], limit: float, order: Sequence[str]) -> dict[str, str]:
    if not 0 < limit <= 1:
        raise ValueError(f"limit is {limit}, but the absolute correlations it is compared with lie between 0 and 1")
    ranks = standardised_ranks(list(columns.values()))
    agreement = (ranks @ ranks.T / max(ranks.shape[1], 1)).abs().clamp(max=1.0).tolist()
    place = {name: number for number, name in enumerate(columns)}
    kept: list[str] = []
    dropped: dict[str, str] = {}
    for name in dict.fromkeys(order):
        nearest = max(kept, key=lambda other: agreement[place[name]][place[other]], default=None)
        if nearest is not None and agreement[place[name]][place[nearest]] > limit:
            dropped[name] = nearest
        else:
            kept.append(name)
    return dropped


def _cross_validated(
    columns: Sequence[Sequence[float]], outcomes: Sequence[float], strength: float, seed: int, repeats: int
) -> Estimate:
    """Each fifth scored with weights fitted on the other four. Rows are put in an order of their own before they are split,
    so that the order in which they came plays no part."""
    n = len(outcomes)
    if n < _FEWEST or spearman(outcomes, outcomes) is None:
        return Estimate()
    rows = sorted(range(n), key=lambda row: (outcomes[row], [column[row] for column in columns]))
    ranks = ranked(columns) - (n + 1) / 2
    shuffle = random.Random(seed)
    found = []
    for _ in range(max(1, min(repeats, _HELD_OUT // n))):
        mixed = shuffle.sample(rows, n)
        scores = [0.0] * n
        for fold in range(_FOLDS):
            held, others = mixed[fold::_FOLDS], [row for place, row in enumerate(mixed) if place % _FOLDS != fold]
            weights = fitted_weights(
                [[column[row] for row in others] for column in columns], [outcomes[row] for row in others], strength
            )
            for row, score in zip(held, (ranks.new_tensor(weights) @ ranks[:, held]).tolist(), strict=True):
                scores[row] = score
        found.append(spearman(scores, outcomes) or 0.0)
    return _with_interval(math.fsum(found) / len(found), n)


def _notes(
    n: int, proxies: Sequence[ProxyAudit], combination: CombinationAudit, size: str, no_size: bool
) -> tuple[str, ...]:
    notes = [
        "Where candidates were observed because these proxies liked them, the range of the proxies is restricted and their "
        "correlations come out smaller than over all candidates.",
        "With intervals of 95 %, one in twenty proxies without any merit still seems to help or to mislead.",
    ]
    if n < _FEWEST:
        notes.append(f"Of {n} candidates no correlation is given: it takes {_FEWEST}.")
    if no_size:
        notes.append(f"No candidate has a value of {size!r}, so nothing is said about what proxies know beyond size.")
    if not any(proxy.weight for proxy in proxies):
        notes.append("No proxy helps: all weights are 0.")
    fitted, equal = combination.cross_validated.value, combination.equal.value
    if fitted is not None and equal is not None and fitted <= equal:
        notes.append("Fitted weights do not do better than equal ones on candidates they were not fitted on.")
    return tuple(notes)
