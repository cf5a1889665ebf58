"""Text for people and JSON for programs. Nothing is cut to the width of a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def print_json(data: Any) -> None:
    """Print on stdout what programs read."""
    print(json.dumps(data, indent=2, allow_nan=False), flush=True)


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


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Labels on the left, what is known on the right; a row without a label belongs to the one before."""
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:{width}}  {text}".rstrip() for label, text in rows)
