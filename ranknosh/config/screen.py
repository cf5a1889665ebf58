"""Text for people and JSON for programs. Nothing is cut to the width of a terminal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ranknosh.config.units import UNKNOWN, human_count, human_duration, percent

SHARES = ("validation", "validation_error", "test")
"""Values of ``--json`` that are shares, beside those whose name ends with accuracy."""


def print_json(data: Any) -> None:
    """Print on stdout what programs read."""
    print(json.dumps(data, indent=2, allow_nan=False), flush=True)


def print_result(data: Any, text: str, as_json: bool) -> None:
    """Print a result on stdout.

    Args:
        data: what programs read.
        text: what people read.
        as_json: whether it is for programs.
    """
    print_json(data) if as_json else print(text, flush=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str = "") -> str:
    """Aligned columns under a line of headings.

    Args:
        head: of each column.
        rows: a cell for each column.
        sides: ``r`` for each column set to the right; the others are set to the left.
    """
    columns = []
    for column, side in zip(zip(head, *rows, strict=True), sides.ljust(len(head)), strict=True):
        width = max(map(len, column))
        columns.append([cell.rjust(width) if side == "r" else cell.ljust(width) for cell in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def facts(rows: Sequence[tuple[str, str | None]]) -> str:
    """Labels on the left, what is known on the right, where anything is.

    A row without a label belongs to the one before; one without a text is left out.
    """
    known = [(label, text) for label, text in rows if text is not None]
    width = max(len(label) for label, _ in known)
    return "\n".join(f"{label:{width}}  {text}".rstrip() for label, text in known)


def value_text(name: str, value: Any) -> str:
    """A value of ``--json`` for people, in the unit that its name says."""
    if value is None:
        return UNKNOWN
    if name.endswith("seconds"):
        return human_duration(value)
    if name.endswith("accuracy") or name in SHARES:
        return percent(value)
    if name in ("params", "macs"):
        return human_count(value)
    if isinstance(value, float):
        return f"{value:#.5g}"
    return f"#{value}" if name == "id" else str(value)


def rows_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows of ``top`` as a numbered table, numbers set to the right and the architecture, which is long, last."""
    first = rows[0]
    plain = [name for name, value in first.items() if name != "ranked_by" and not isinstance(value, dict | list)]
    names = sorted(plain, key="architecture".__eq__)
    heads = {"macs": "MACs", "metric": first.get("ranked_by")}
    head = ["", *(heads.get(name) or name.replace("_", " ") for name in names)]
    cells = [[str(place), *(value_text(name, row[name]) for name in names)] for place, row in enumerate(rows, 1)]
    return table(head, cells, "r" + "".join("l" if isinstance(first[name], str) else "r" for name in names))
