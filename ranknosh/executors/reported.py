"""What a training of a user's own reports, read strictly: finite numbers by name, or a sentence on what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ranknosh.spaces.base import read_json

COSTS = "costs"
"""Under this name a report may hold a mapping of costs: what is known of a candidate before its training, lower is better."""


_NO_NUMBER = re.compile(r"(?<![\w\".+-])[+-]?(?:nan|inf|infinity)(?![\w\"])", re.IGNORECASE)
"""What C, awk and others print where JSON has no number."""


class Reported(NamedTuple):
    """A finished level. ``metric``: the ranking value, higher is better; ``metrics``: all of them in their own direction, the
    ranking one first; ``costs``: what else the training says of its candidate."""

    metric: float
    metrics: Mapping[str, float]
    costs: Mapping[str, float]


class NotFinite(ValueError):
    """A number of a report is NaN or infinite: the training diverged."""


@dataclass(frozen=True)
class Ranking:
    """What candidates are ranked by: the name of a metric that every training reports, and whether more of it is better."""

    name: str
    higher: bool

    def read(self, report: Any) -> Reported:
        """What a training reported.

        Args:
            report: a mapping from names to finite numbers, with the ranking metric among them; or that number alone.

        Raises:
            NotFinite: for NaN and infinity.
            ValueError: for anything else that is no such mapping.
        """
        metrics = dict(report) if isinstance(report, Mapping) else {self.name: report}
        costs = metrics.pop(COSTS, {})
        if not isinstance(costs, Mapping):
            raise ValueError(f"{COSTS} is {costs!r}; it must be a mapping from names to numbers, or left out")
        if self.name not in metrics:
            given = ", ".join(map(str, metrics)) or "nothing"
            raise ValueError(
                f"it reports {given}, and not {self.name}, by which candidates are ranked; report {self.name} too"
            )
        values = _numbers(metrics, "")
        first = values.pop(self.name)
        return Reported(first if self.higher else -first, {self.name: first, **values}, _numbers(costs, f"{COSTS}."))

    def parse(self, text: str) -> Reported:
        """What a training wrote as JSON. Raises as :meth:`read`."""
        try:
            report = read_json(_NO_NUMBER.sub("NaN", text))
        except ValueError as error:
            shown = text.strip()[:80]
            raise ValueError(f"{error}: {shown!r}; write for example {{{json.dumps(self.name)}: 0.9}}") from None
        return self.read(report)


def _numbers(values: Mapping[Any, Any], prefix: str) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, value in values.items():
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is no name; the names of metrics are texts")
        number = _number(value)
        if number is None:
            raise ValueError(f"{prefix}{name} is {value!r}, which is no number")
        if not math.isfinite(number):
            raise NotFinite(f"{prefix}{name} is {number}")
        numbers[name] = number
    return numbers


def _number(value: Any) -> float | None:
    """Numbers of Python, numpy and torch; None for texts, truth values and everything else."""
    if isinstance(value, (str, bytes, bool)) or value is None:
        return None
    try:
        return float(value.item() if hasattr(value, "item") else value)  # a tensor may belong to a graph
    except (TypeError, ValueError, RuntimeError):
        return None
