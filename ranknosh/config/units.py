"""Durations and sizes as people write them (``1h30m``, ``2gpuh``, ``10GB``), and back without loss.

Seconds are floats, bytes are ints. Every parser raises ValueError with a sentence that says what to write instead, also for what
is no text: a bare number has no unit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ranknosh.config.directions import direction_of, unit_of

LONGEST = 1000 * 365 * 86400.0
LARGEST = 10**18
"""Seconds and bytes that a limit is at most: more is a slip, and is no exact number."""
UNKNOWN = "n/a"
"""Whatever is not known, in tables and messages."""
SECONDS = {"d": 86400.0, "h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_BYTES_FOLDED = {unit.lower(): factor for unit, factor in BYTES.items()}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)\s*", re.IGNORECASE)
_DEVICE_UNIT = re.compile(r"\b(\d+(?:\.\d+)?)\s*(?:gpu|cpu|device)[ -]?", re.IGNORECASE)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)


def parse_duration(text: Any) -> float:
    """Seconds of ``90s``, ``10m``, ``6h``, ``1h30m`` or ``2d``; above 0."""
    rest, total = text.strip() if isinstance(text, str) else "", 0.0
    while part := _DURATION_PART.match(rest):
        total += float(part.group(1)) * SECONDS[part.group(2).lower()]
        rest = rest[part.end() :]
    if rest or total <= 0:
        raise ValueError("must be a duration above 0 with its unit (s, m, h, d); write for example 90s, 10m or 1h30m")
    if total > LONGEST:
        raise ValueError("must be at most 1000 years; leave it out where there is no limit")
    return total


def parse_device_time(text: Any) -> float:
    """Seconds of busy device time: ``2gpuh``, ``30gpum``, ``2cpuh``, or a plain duration."""
    try:
        return parse_duration(_DEVICE_UNIT.sub(r"\1", text) if isinstance(text, str) else text)
    except ValueError as error:
        raise ValueError("must be device time with a unit; write for example 2gpuh or 30gpum") from error


# pydantic.ByteSize is no substitute: it reads as far as it can, so that 10,5GB is 10 bytes and 5GB! is 5 GB.
def parse_size(text: Any) -> int:
    """Bytes of ``500MB``, ``10GB`` (powers of 1000) or ``4GiB`` (powers of 1024); above 0."""
    found = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    factor = _BYTES_FOLDED.get(found.group(2).lower()) if found else None
    asked = float(found.group(1)) * factor if found and factor else 0.0
    if asked > LARGEST:
        raise ValueError("must be at most 1000000TB; leave it out where there is no limit")
    size = round(asked)
    if size <= 0:
        raise ValueError("must be a size above 0 with a unit; write for example 500MB or 10GB")
    return size


def duration_text(seconds: float) -> str:
    """The shortest exact writing: ``parse_duration(duration_text(x)) == x`` for whole seconds."""
    if seconds != int(seconds):
        return f"{seconds!r}s"
    rest, parts = int(seconds), []
    for unit in ("h", "m", "s"):
        count, rest = divmod(rest, int(SECONDS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def size_text(size: int) -> str:
    """The shortest exact writing in powers of 1000: ``parse_size(size_text(x)) == x``."""
    unit = max(
        (unit for unit in ("B", "KB", "MB", "GB", "TB") if size % BYTES[unit] == 0), key=lambda unit: BYTES[unit]
    )
    return f"{size // BYTES[unit]}{unit}"


def human_duration(seconds: float | None) -> str:
    """Rounded for reading: ``8.4 s``, ``3 min 20 s``, ``1 h 05 min``."""
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s" if minutes < 60 else "1 h 00 min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min"


def human_size(size: float) -> str:
    """Rounded for reading: ``512 B``, ``3.4 MB``."""
    for unit in ("TB", "GB", "MB", "KB"):
        if size >= BYTES[unit]:
            return f"{size / BYTES[unit]:.1f} {unit}"
    return f"{size:.0f} B"


def human_count(count: float | None) -> str:
    """Rounded for reading: ``14.2 K``, ``3.1 M``; ``n/a`` where unknown."""
    if count is None:
        return UNKNOWN
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if count >= factor:
            return f"{count / factor:.2f} {suffix}"
    return f"{count:.0f}"


def percent(fraction: float | None) -> str:
    """``0.8125`` as ``81.25 %``."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.2f} %"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named number of a candidate as it is read. ``unit``: ``%`` for a share, which is shown in percent; else what is written
    behind the number."""

    name: str
    higher: bool
    unit: str = ""

    @classmethod
    def several(cls, plain: Mapping[str, Any]) -> dict[str, "Quantity"]:
        """Quantities by name from plain data: ``{"accuracy": {"higher": true, "unit": "%"}}``."""
        return {name: cls(name, facts["higher"], facts["unit"]) for name, facts in plain.items()}

    @classmethod
    def ranked(cls, facts: Mapping[str, Any]) -> "Quantity":
        """The metric that a run orders what it finds by, of the facts of its header."""
        return cls.several(facts["metrics"])[facts["ranked"]]

    @property
    def scale(self) -> float:
        """What values are multiplied by where they are drawn."""
        return 100.0 if self.unit == "%" else 1.0

    @property
    def label(self) -> str:
        """``accuracy (%)``."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def text(self, value: float | None) -> str:
        """``81.25 %``, ``0.4375``, ``n/a``."""
        if value is None:
            return UNKNOWN
        return percent(value) if self.unit == "%" else f"{value:.4g} {self.unit}".rstrip()

    def difference(self, value: float) -> str:
        """``+1.25 points`` of a share; of others the number with its sign."""
        return f"{100 * value:+.2f} points" if self.unit == "%" else f"{value:+.4g} {self.unit}".rstrip()


COSTS = {
    "params": Quantity("params", False),
    "macs": Quantity("MACs", False),
    "latency": Quantity("latency", False, "s"),
    "memory": Quantity("memory", False, "B"),
}
"""Costs that the engine knows by itself. Those of a user's own have no unit."""


def cost_text(name: str, value: float | None) -> str:
    """``14.2 K`` weights, ``3.1 ms``, ``3.4 MB``."""
    if value is None:
        return UNKNOWN
    if name == "latency":
        return f"{1000 * value:.4g} ms"
    return human_size(value) if name == "memory" else human_count(value)


def costs_texts(costs: Mapping[str, float]) -> list[str]:
    """``14.2 K params``, ``3.1 M MACs``, ``3.1 ms latency``."""
    return [f"{cost_text(name, value)} {COSTS[name].name if name in COSTS else name}" for name, value in costs.items()]


def quantity_of(name: str, known: Mapping[str, Quantity]) -> Quantity:
    """The metric of a name; of one that a training of a user's own reports beside others, what its name tells."""
    return known.get(name) or Quantity(name, direction_of(name) != "min", unit_of(name))


def metrics_text(metrics: Mapping[str, float], quantities: Mapping[str, Quantity], most: int | None = None) -> str:
    """``accuracy 81.25 %, loss 0.4375 nats``; the first ``most`` of them."""
    texts = [f"{name} {quantity_of(name, quantities).text(value)}" for name, value in metrics.items()]
    return ", ".join(texts[:most]) or UNKNOWN


def whole(number: float | None) -> str:
    """``14210`` as ``14,210``: a whole number with every digit, any other rounded to one."""
    if number is None:
        return UNKNOWN
    return f"{number:,}" if isinstance(number, int) else f"{number:,.0f}"


def plural(count: int, noun: str, several: str | None = None) -> str:
    """``1 epoch``, ``2 epochs``.

    Args:
        count: how many.
        noun: the word for one.
        several: the word for any other count; by default ``noun`` with an s.
    """
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"
