"""Limits on costs as people write them: ``<= 1M``, ``<= 5 ms``, ``>= 10M, <= 30M``, ``<= 60% of ARCHITECTURE``.

Values are in the unit that costs are kept in: weights and multiply-accumulates as counts, latency in seconds, memory in bytes.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ranknosh.config.units import BYTES

Relation = Literal["<=", ">="]
COUNTS = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}
TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
UNITS: Mapping[str, Mapping[str, float]] = {
    "params": COUNTS,
    "macs": COUNTS,
    "latency": TIMES,
    "memory": {unit: float(factor) for unit, factor in BYTES.items()},
}
"""What may stand behind the number of a cost. A cost of a user's own is a plain number, with K, M or G where it is large."""
_EXAMPLES = {"latency": "<= 5 ms", "memory": "<= 64 MB"}
_BETWEEN = re.compile(r"\s*,\s*(?=[<>])")
_BOUND = re.compile(r"(<=|>=)\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(%|[A-Za-z]*)\s*(?:of\s+(.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a limit. ``value`` is a share of the cost of ``reference``, an architecture's text, where there is one."""

    relation: Relation
    value: float
    reference: str | None = None

    def holds(self, value: float, limit: float) -> bool:
        """Whether ``value`` is on the right side of ``limit``, this bound's value as a number of the cost."""
        return value <= limit if self.relation == "<=" else value >= limit


def read_bounds(cost: str, text: object) -> tuple[Bound, ...]:
    """The bounds on a cost.

    Args:
        cost: its name, which says what units there are.
        text: as it is written; several have commas between them and hold together.

    Raises:
        ValueError: for anything else, with a sentence that says what to write.
    """
    example = _EXAMPLES.get(cost, "<= 1M")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f'is {text!r}; write a limit as a text, such as "{example}"')
    bounds = tuple(_read_bound(cost, part, example) for part in _BETWEEN.split(text.strip()))
    plain = {(bound.relation, bound.reference): bound.value for bound in bounds}
    low, high = plain.get((">=", None)), plain.get(("<=", None))
    if low is not None and high is not None and low > high:
        raise ValueError(f"is {text!r}, and nothing is at least the larger and at most the smaller of the two")
    return bounds


def _read_bound(cost: str, text: str, example: str) -> Bound:
    found = _BOUND.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'has {text!r}, which is no limit; write <= or >=, a number and its unit, such as "{example}"')
    relation, number, unit, reference = found.groups()
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(
            f'has {text[:60]!r}, a number without bounds; leave the limit out, or write such as "{example}"'
        )
    if unit == "%":
        if reference is None:
            raise ValueError(f'has {text!r}; say of which architecture, such as "<= 60% of ARCHITECTURE"')
        return Bound(_relation(relation), value / 100, reference.strip())
    if reference is not None:
        raise ValueError(
            f'has {text!r}; only a share is one of an architecture, such as "<= 60% of {reference.strip()}"'
        )
    units = UNITS.get(cost, COUNTS)
    factor = next((factor for known, factor in units.items() if known.lower() == unit.lower()), None)
    if factor is None:
        known = ", ".join(unit for unit in units if unit)
        lacks = f"the unit {unit!r}" if unit else "no unit"
        raise ValueError(f"has {text!r} with {lacks}; {cost} takes {known}")
    return Bound(_relation(relation), value * factor)


def looser(cost: str, relation: Relation, value: float) -> str:
    """A limit that ``value`` keeps, with a little to spare, as :func:`read_bounds` takes it: ``<= 1.22K``."""
    units = UNITS.get(cost, COUNTS)
    unit = max((unit for unit, factor in units.items() if factor <= value), key=lambda unit: units[unit], default="")
    scaled = value / units.get(unit, 1.0)
    step = 10.0 ** (math.floor(math.log10(scaled)) - 2) if scaled > 0 else 1.0
    count = math.floor(scaled / step) + 1 if relation == "<=" else max(math.ceil(scaled / step) - 1, 0)
    return f"{relation} {count * step:.6g}{unit}"


def _relation(text: str) -> Relation:
    return "<=" if text == "<=" else ">="


def known_costs(own: Iterable[str]) -> tuple[str, ...]:
    """Costs that can be limited: those the engine knows, and ``own``."""
    return tuple(dict.fromkeys([*UNITS, *own]))
