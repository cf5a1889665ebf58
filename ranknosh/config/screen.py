"""Text for people and JSON for programs. Nothing is cut; on a terminal text is folded to its width, between columns and words.

What one copies stays in one piece, however long: a command, an architecture. In pipes and files nothing is folded.
"""

import csv
import io
import json
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TextIO

from ranknosh.config.units import COSTS, UNKNOWN, Quantity, cost_text, human_duration, percent, quantity_of
from ranknosh.errors import printable

FOLDED, LEAST = 4, 24
"""Spaces before columns that did not fit beside the others, and characters of text that a line holds at least."""
NESTED = ("metrics", "error", "train_metrics", "test", "costs")
"""Mappings of ``--json`` whose values are columns of their own in tables and csv files: ``metrics.accuracy``."""


def say(text: str, stream: TextIO | None = None, end: str = "\n") -> None:
    """Print text for people, the one way out for it: what names, settings and messages hold is shown and not obeyed.

    Args:
        text: in lines.
        stream: None for stdout.
        end: what comes behind it.
    """
    print(printable(text, "\n\t"), file=stream, end=end, flush=True)


def print_json(data: Any) -> None:
    """Print on stdout what programs read, in ASCII."""
    print(json.dumps(data, indent=2, allow_nan=False).replace("\x7f", r"\u007f"), flush=True)


def print_result(data: Any, text: str, as_json: bool) -> None:
    """Print a result on stdout.

    Args:
        data: what programs read.
        text: what people read.
        as_json: whether it is for programs.
    """
    print_json(data) if as_json else say(paragraphs(text))


def screen_width() -> int | None:
    """Columns of the terminal that stdout goes to; None where it goes to none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (AttributeError, OSError, ValueError):  # no stream, one without a file, a closed one
        return None


def paragraphs(text: str) -> str:
    """Sentences that are wider than the terminal, folded between words; lines of columns stay as they were made."""
    lines = []
    for line in text.split("\n"):
        own = line.lstrip()
        indent = len(line) - len(own)
        lines.append(line if "  " in own else line[:indent] + _folded(own, indent))
    return "\n".join(lines)


def _folded(text: str, indent: int) -> str:
    """A text that begins behind ``indent`` characters, its further lines set below its beginning.

    It is folded where two spaces or more are; a part that is too long even so between words, if it is no command.
    """
    width = screen_width()
    if width is None or indent + len(text) <= width:
        return text
    room = max(width - indent, LEAST)
    first, *parts = re.split(r"( {2,})", text)
    lines = _wrapped(first, room)
    for gap, part in zip(parts[::2], parts[1::2], strict=True):
        if len(lines[-1]) + len(gap) + len(part) <= room:
            lines[-1] += gap + part
        else:
            lines += _wrapped(part, room)
    return f"\n{' ' * indent}".join(lines)


def _wrapped(part: str, room: int) -> list[str]:
    if part.startswith("ranknosh "):
        return [part]
    return textwrap.wrap(part, room, break_long_words=False, break_on_hyphens=False) or [part]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str = "") -> str:
    """Aligned columns under a line of headings; those that the terminal has no room for are on lines of their own below.

    Args:
        head: of each column.
        rows: a cell for each column.
        sides: ``r`` for each column set to the right; the others are set to the left.
    """
    room, used = screen_width(), 0
    head, rows = [printable(name) for name in head], [[printable(cell) for cell in row] for row in rows]
    groups: list[list[list[str]]] = [[]]
    for column, side in zip(zip(head, *rows, strict=True), sides.ljust(len(head)), strict=True):
        width = max(map(len, column))
        if room is not None and groups[-1] and used + width > room:
            groups, used = [*groups, []], FOLDED
        groups[-1].append([cell.rjust(width) if side == "r" else cell.ljust(width) for cell in column])
        used += width + 2
    lines = zip(*(_beside(group) for group in groups), strict=True)
    return "\n".join(f"\n{' ' * FOLDED}".join([first, *filter(None, below)]) for first, *below in lines)


def _beside(columns: Sequence[Sequence[str]]) -> list[str]:
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def facts(rows: Sequence[tuple[str, str | None]]) -> str:
    """Labels on the left, what is known on the right, where anything is.

    A row without a label belongs to the one before; one without a text is left out.
    """
    known = [(printable(label), printable(text)) for label, text in rows if text is not None]
    width = max(len(label) for label, _ in known)
    return "\n".join(f"{label:{width}}  {_folded(text, width + 2)}".rstrip() for label, text in known)


def csv_text(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A csv file of these columns; what a text holds is shown and not obeyed there either.

    Args:
        names: of the columns, in order.
        rows: values by name; None and what is missing are empty fields.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for line in (names, *([row.get(name) for name in names] for row in rows)):
        writer.writerow([printable(cell) if isinstance(cell, str) else cell for cell in line])
    return text.getvalue()


def plain_costs(costs: Mapping[str, float]) -> dict[str, float]:
    """Costs as programs read them: whole ones (weights, bytes) as integers."""
    return {name: int(value) if float(value).is_integer() else value for name, value in costs.items()}


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``--json`` with a column for every value of its mappings."""
    columns: dict[str, Any] = {}
    for name, value in row.items():
        nested = name in NESTED and isinstance(value, Mapping)
        columns |= {f"{name}.{own}": each for own, each in value.items()} if nested else {name: value}
    return columns


def head_text(name: str) -> str:
    """A column of :func:`flat` for people: ``accuracy``, ``± accuracy`` (its standard error), ``test accuracy``, ``MACs``."""
    group, _, own = name.rpartition(".")
    if group == "costs":
        return COSTS[own].name if own in COSTS else own
    if name == "truth":
        return "in the table"
    if group == "error":
        return f"± {own}"
    return own if group == "metrics" else name.replace(".", " ").replace("_", " ")


def value_text(name: str, value: Any, quantities: Mapping[str, Quantity] = MappingProxyType({})) -> str:
    """A value of :func:`flat` for people, in its unit.

    Args:
        name: of the column.
        value: None where it is not known.
        quantities: the metrics of the run's task.
    """
    group, _, own = name.rpartition(".")
    if value is None:
        return UNKNOWN
    if group == "costs":
        return cost_text(own, value)
    if group:
        return quantity_of(own, quantities).text(value)
    if name.endswith("seconds"):
        return human_duration(value)
    if name == "truth":
        return percent(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:#.5g}"
    return f"#{value}" if name == "id" else str(value)


def rows_text(rows: Sequence[Mapping[str, Any]], quantities: Mapping[str, Quantity] = MappingProxyType({})) -> str:
    """The rows of ``top`` as a numbered table, numbers set to the right and the architecture, which is long, last; a column
    that no row has a value in is left out.

    Args:
        rows: of ``--json``.
        quantities: the metrics of the run's task.
    """
    lines = [{name: value for name, value in flat(row).items() if value is not None} for row in rows]
    columns: dict[str, Any] = {}
    for line in lines:
        columns = {**line, **columns}
    order = [name for name in dict.fromkeys(name for row in rows for name in flat(row)) if name in columns]
    plain = [name for name in order if name != "ranked_by" and not isinstance(columns[name], dict | list)]
    names = sorted(plain, key="architecture".__eq__)
    ranked_by = columns.get("ranked_by")
    ranked = quantity_of((ranked_by or "").removeprefix("ema_"), quantities)

    def cell(name: str, value: Any) -> str:
        if name == "metric" and ranked_by and ranked.unit == "%":
            return ranked.text(value)
        return value_text(name, value, quantities)

    head = ["", *(ranked_by if name == "metric" and ranked_by else head_text(name) for name in names)]
    cells = [[str(place), *(cell(name, line.get(name)) for name in names)] for place, line in enumerate(lines, 1)]
    return table(head, cells, "r" + "".join("l" if isinstance(columns[name], str) else "r" for name in names))
