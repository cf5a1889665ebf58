"""Choosing among the candidates of a run that are trained already: ``params <= 500K``, ``accuracy >= 90%``."""

import re
from collections.abc import Sequence

from ranknosh.config.bounds import read_bounds
from ranknosh.core.candidates import Candidate
from ranknosh.errors import ConfigError, unknown
from ranknosh.report.view import SearchView

_CONDITION = re.compile(r"\s*([\w.]+)\s*((?:<=|>=).*)", re.DOTALL)
_SHARE = re.compile(r"(<=|>=)\s*(\d+(?:\.\d+)?)\s*(%?)")


def chosen(view: SearchView, conditions: Sequence[str]) -> list[Candidate]:
    """The candidates with a result that meet every condition, best first. One that lacks a value does not meet it.

    Args:
        view: of the run.
        conditions: each the name of a cost or a metric, a limit and its unit.

    Raises:
        ConfigError: for a condition that cannot be read, and for a name that no candidate has.
    """
    kept = view.leaderboard()
    for condition in conditions:
        kept = _meeting(view, kept, condition)
    return kept


def _meeting(view: SearchView, candidates: list[Candidate], condition: str) -> list[Candidate]:
    found = _CONDITION.fullmatch(condition)
    if found is None:
        raise ConfigError(f"--where {condition!r} is no condition; write a name and a limit, such as 'params <= 500K'")
    name, limit = found[1], found[2].strip()
    everyone = view.pool.candidates.values()
    costs = dict.fromkeys(cost for candidate in everyone for cost in candidate.costs)
    metrics = dict.fromkeys(metric for candidate in everyone for metric in candidate.metrics)
    if name in costs:
        try:
            bounds = [(bound.relation, bound.value) for bound in read_bounds(name, limit) if bound.reference is None]
        except ValueError as error:
            raise ConfigError(f"--where {name} {error}") from error
        values = {candidate.id: candidate.costs.get(name) for candidate in candidates}
    elif name in metrics:
        share = _SHARE.fullmatch(limit)
        if share is None:
            raise ConfigError(f"--where {condition!r} is no limit on a metric; write for example '{name} >= 0.9'")
        bounds = [("<=" if share[1] == "<=" else ">=", float(share[2]) / (100 if share[3] else 1))]
        values = {candidate.id: candidate.metrics.get(name) for candidate in candidates}
    else:
        raise ConfigError(f"--where: {unknown('metric or cost', name, [*metrics, *costs])}")
    return [candidate for candidate in candidates if _holds(values[candidate.id], bounds)]


def _holds(value: float | None, bounds: Sequence[tuple[str, float]]) -> bool:
    return value is not None and all(value <= limit if sign == "<=" else value >= limit for sign, limit in bounds)
