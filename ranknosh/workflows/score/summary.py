"""What the rows say of each proxy: how often it has a value, what that takes, and how its order agrees with others.

Everywhere a missing value is the worst of its proxy and never left out: leaving failures out would flatter them.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.units import UNKNOWN, human_duration
from ranknosh.core.metrics import Agreement, agreement
from ranknosh.workflows.score.rows import ScoreRow
from zerocost import aggregate

PLAIN, LARGE = 1e4, 1e9
"""Numbers from the first up to the second are written with every digit before the point."""


@dataclass(frozen=True)
class ProxySummary:
    """What the rows say of one proxy.

    ``direction``: +1 where larger is better, else -1. ``given`` and ``missing`` count architectures; ``median`` is of the raw
    values given; ``seconds`` is the median time of one architecture. ``with_params`` and ``with_truth``: agreement of the
    order, larger being better, with the number of weights and with what the table knows; None where there are none.
    ``reasons``: the commonest first, with how often.
    """

    name: str
    direction: int
    given: int
    missing: int
    median: float | None
    seconds: float | None
    with_params: Agreement | None
    with_truth: Agreement | None
    reasons: tuple[tuple[str, int], ...]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "reasons": [{"reason": text, "count": count} for text, count in self.reasons]}


def seconds_each(rows: Sequence[ScoreRow]) -> float | None:
    """Median time of one architecture under all proxies."""
    return median(sum(row.seconds.values()) for row in rows) if rows else None


def oriented(rows: Sequence[ScoreRow], name: str, direction: int) -> NDArray[np.float64]:
    """One proxy's values, turned so that larger is better.

    Args:
        rows: of the table.
        name: of the proxy.
        direction: +1 where larger is better, else -1.

    Returns:
        (n,), minus infinity where there is no value.
    """
    return np.array(aggregate.oriented_column([row.values for row in rows], name, direction))


def with_truth(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    return [row for row in rows if row.truth is not None]


def summarise(rows: Sequence[ScoreRow], directions: Mapping[str, int]) -> list[ProxySummary]:
    """One a proxy of ``directions``, in that order. Several rows of one function all count."""
    return [_summary(rows, name, direction, "params" in directions) for name, direction in directions.items()]


def _summary(rows: Sequence[ScoreRow], name: str, direction: int, sized: bool) -> ProxySummary:
    given = [value for row in rows if (value := row.values[name]) is not None]
    judged = with_truth(rows)
    reasons = Counter(row.reasons[name] for row in rows if name in row.reasons)
    return ProxySummary(
        name,
        direction,
        len(given),
        len(rows) - len(given),
        median(given) if given else None,
        median(row.seconds[name] for row in rows) if rows else None,
        agreement(oriented(rows, name, direction), oriented(rows, "params", 1)) if sized else None,
        agreement(oriented(judged, name, direction), np.array([row.truth for row in judged], dtype=float))
        if judged
        else None,
        tuple(reasons.most_common()),
    )


def correlations(rows: Sequence[ScoreRow], directions: Mapping[str, int]) -> NDArray[np.float64]:
    """(k, k) Spearman's rho of every two proxies of ``directions``, larger being better; NaN where one is constant."""
    if not directions or len(rows) < 2:
        return np.full((len(directions), len(directions)), np.nan)
    columns = aggregate.oriented([row.values for row in rows], directions)
    with np.errstate(invalid="ignore", divide="ignore"):  # of a constant column
        return np.atleast_2d(np.corrcoef(aggregate.ranked(columns)))


def least_redundant(rho: NDArray[np.float64], most: int) -> list[int]:
    """Up to ``most`` of the rows of a (k, k) matrix of correlations, in their order: constant ones are left out, then of the
    two that agree or disagree most the one that is closer to the others, until few enough are left."""
    kept = [place for place in range(len(rho)) if not math.isnan(rho[place, place])]
    close = np.abs(rho)
    while len(kept) > most:
        inner = close[np.ix_(kept, kept)] - np.eye(len(kept))
        first, second = divmod(int(inner.argmax()), len(kept))
        drop = first if inner[first].sum() > inner[second].sum() else second
        del kept[drop]
    return kept


def proxy_table(summaries: Sequence[ProxySummary], judged: bool) -> tuple[list[str], list[list[str]]]:
    """A row a proxy, as page and terminal show it, with the names of the columns. ``judged``: truths are known."""
    columns: dict[str, Callable[[ProxySummary], str]] = {
        "proxy": lambda one: one.name,
        "better": lambda one: "higher" if one.direction > 0 else "lower",
        "scored": lambda one: str(one.given),
        "no value": lambda one: str(one.missing),
        "median": lambda one: UNKNOWN if one.median is None else _median(one.median),
        "time each": lambda one: UNKNOWN if one.seconds is None else short_time(one.seconds),
        "with params": lambda one: _rho(one.with_params),
    }
    if judged:
        columns["with the table"] = lambda one: _rho(one.with_truth, with_error=True)
    return list(columns), [[read(one) for read in columns.values()] for one in summaries]


def _median(value: float) -> str:
    """Four digits, more where all before the point are more: ``0.07743``, ``61,856``."""
    return f"{value:,.0f}" if PLAIN <= abs(value) < LARGE else f"{value:.4g}"


def short_time(seconds: float) -> str:
    """``2.5 s``; ``3.12 ms`` below a second."""
    return human_duration(seconds) if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _rho(found: Agreement | None, *, with_error: bool = False) -> str:
    if found is None or found.rho is None:
        return UNKNOWN
    return f"{found.rho:.2f}" + (f" ± {found.error:.2f}" if with_error and found.error is not None else "")
