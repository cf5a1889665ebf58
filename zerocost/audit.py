"""An audit of proxies by outcomes: which proxies order the candidates of a space well, and what weight each should
have."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from zerocost.aggregate import Row, oriented, oriented_column, rank_mean, ranked
from zerocost.correlation import confidence_interval, kendall_tau, partial_spearman, spearman, standardised_ranks
from zerocost.weighing import checked_columns, fitted_weights, proxy_weights

__all__ = ["Audit", "CombinationAudit", "Estimate", "ProxyAudit", "audit", "proxy_weights", "redundant"]

# Below this many candidates no correlation is given.
_FEWEST = 5
_FOLDS = 5
# Splits are repeated until about this many candidates were held out: the more there are, the less one split matters.
_HELD_OUT = 20_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rank correlation with its 95 % confidence interval.

    Attributes:
        value: In [-1, 1]; None where it is undefined.
        low: Lower end of the interval; None where there is none.
        high: Upper end of the interval; None where there is none.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low is not None and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval is below 0."""
        return self.high is not None and self.high < 0


@dataclass(frozen=True, slots=True)
class ProxyAudit:
    """One proxy compared with the outcomes of ``n`` candidates.

    Its values are turned first, so that a correlation above 0 is in its favour. ``verdict`` is the first of these that
    holds, by 95 % intervals:

    - "misleads": that of ``spearman`` is below 0.
    - "says what NAME says": redundant with NAME, in the same direction.
    - "helps beyond size": those of ``spearman`` and ``beyond_size`` are above 0.
    - "helps": that of ``spearman`` is above 0.
    - "no evidence": none of these, or fewer than 5 candidates.

    Attributes:
        name: The proxy.
        direction: +1 where a larger value is better, else -1.
        n: Candidates.
        missing: Candidates without a value, which count as its worst.
        spearman: Correlation with the outcomes.
        kendall: Kendall's tau-b with the outcomes.
        beyond_size: Spearman's correlation with the rank of the size held fixed; None for the size itself and without
            one.
        among_best: Spearman's correlation among the better outcomes only.
        redundant_with: A kept proxy that orders the candidates nearly the same way or nearly backwards.
        weight: Its weight by :func:`proxy_weights`.
        verdict: See above.
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

    Attributes:
        equal: All proxies with the same weight.
        fitted: With weights judged on the candidates they were fitted on, which flatters them, so without an interval;
            None where no proxy helps.
        cross_validated: Each fifth of the candidates scored with weights fitted on the other four; the mean over many
            splits, in which a split without any useful proxy counts 0. Its interval does not include how the fit
            varies.
        size: The size alone, larger counted as better unless a direction says otherwise.
    """

    equal: Estimate
    fitted: float | None
    cross_validated: Estimate
    size: Estimate


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of :func:`audit`.

    Attributes:
        n: Candidates.
        size: Name of the values used as size.
        proxies: One entry for each proxy, in the requested order.
        combination: Their weighted mean ranks.
        notes: Sentences on the limits of the audit.
    """

    n: int
    size: str
    proxies: tuple[ProxyAudit, ...]
    combination: CombinationAudit
    notes: tuple[str, ...]

    @property
    def weights(self) -> dict[str, float]:
        """Fitted weights by proxy name."""
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
    """Proxies that add nothing to another one.

    In some order, a proxy is kept unless its Spearman correlation with a kept one is above ``limit`` or below
    ``-limit``. A constant proxy agrees with none. Orders of few candidates agree by chance, so give all that were
    scored, not only those that were trained.

    Args:
        values: One mapping for each candidate, from proxy name to value or None (the worst).
        directions: +1 for each proxy of which a larger value is better, else -1.
        limit: In (0, 1].
        keep_first: Names that come first in the order; the others follow in the order of ``directions``.
        outcomes: (n,) results, higher is better; without ``keep_first``, those that agree best with them come first.

    Returns:
        Dropped name -> the kept name with which it agrees most.

    Raises:
        ValueError: ``limit`` is out of range, ``keep_first`` names another proxy, a direction is neither +1 nor -1, or
            outcomes are not finite or not one for each candidate.
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
    """Compare each proxy, and their weighted mean rank, with the outcomes of observed candidates.

    A search observes candidates that its proxies preferred. That restricts the range of the proxies, and a correlation
    over observed candidates comes out smaller than over all of them; the notes say so. Intervals take candidates for
    independent draws.

    Args:
        values: One mapping for each observed candidate, from proxy name to value or None (the worst).
        outcomes: (n,) finite results; higher is better.
        directions: +1 for each proxy of which a larger value is better, else -1.
        size: Name of the values that ``beyond_size`` holds fixed, of which only the order counts; it need not be one of
            the proxies.
        limit: See :func:`redundant`, here among the observed candidates, best agreement with the outcomes first.
        strength: See :func:`proxy_weights`.
        top: Share of the best outcomes that ``among_best`` uses, in (0, 1], with all that tie with the last of them.
        seed: Of the splits into fifths.
        repeats: Splits, of which no more than 20,000 / n and at least one are made.

    Raises:
        ValueError: As for :func:`proxy_weights` and :func:`redundant`, or ``top`` or ``repeats`` is out of range.
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
    """Rows of the best share of the outcomes, with those that tie with the last of them."""
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
    """Each fifth scored with weights fitted on the other four.

    Rows are sorted before they are split, so that the order in which they came has no influence.
    """
    n = len(outcomes)
    if n < _FEWEST or spearman(outcomes, outcomes) is None:
        return Estimate()
    rows = sorted(range(n), key=lambda row: (outcomes[row], [column[row] for column in columns]))
    # Ranks are over all candidates; only the weights are fitted on four fifths.
    ranks = torch.from_numpy(ranked(columns) - (n + 1) / 2)
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
