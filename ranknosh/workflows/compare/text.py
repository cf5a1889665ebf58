"""The table of a comparison as people read it, in a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ranknosh.config.screen import table
from ranknosh.config.units import human_count, human_duration
from ranknosh.report.words import UNKNOWN, counted
from ranknosh.workflows.compare.random_search import TOLERANCE
from ranknosh.workflows.compare.rows import Row, Spread

HEAD = (
    "method",
    "seeds",
    "validation (%)",
    "test (%)",
    "true accuracy (%)",
    "search cost (device s)",
    "of budget",
    "params",
    "MACs",
)


def cells(row: Row) -> list[str]:
    """One row under :data:`HEAD`: mean ± standard error over the seeds, ``n/a`` where unknown."""
    return [
        row.method,
        str(len(row.runs)),
        percent(row.validation),
        percent(row.test),
        percent(row.truth),
        with_error(row.cost, 1),
        share(row),
        human_count(row.params.mean),
        human_count(row.macs.mean),
    ]


def with_error(spread: Spread, digits: int, factor: float = 1.0) -> str:
    """``81.23 ± 0.45``, the mean alone where one run is known."""
    if spread.mean is None:
        return UNKNOWN
    mean = f"{factor * spread.mean:.{digits}f}"
    return mean if spread.error is None else f"{mean} ± {factor * spread.error:.{digits}f}"


def percent(spread: Spread) -> str:
    return with_error(spread, 2, 100.0)


def share(row: Row) -> str:
    """``98 %``, marked where it is further from the whole than the tolerance."""
    if row.share is None:
        return UNKNOWN
    mark = "" if abs(row.share - 1) <= TOLERANCE else " *"
    return f"{100 * row.share:.0f} %{mark}"


def title(budget_seconds: float, rows: Sequence[Row]) -> str:
    repeats = max((len(row.runs) for row in rows), default=0)
    each = f"{counted(len(rows), 'method')}, {counted(repeats, 'seed')} each"
    return f"{each}, {human_duration(budget_seconds)} of device time a search"


def notes(rows: Sequence[Row], final_epochs: int) -> list[str]:
    """What a reader has to know of the numbers, one sentence a line."""
    found = [
        "Mean ± standard error over the seeds; sorted by validation, never by test. Params and MACs are means over the found "
        "cells.",
        f"Search cost holds proxies, predictor, supernet and failures. The final training "
        f"({final_epochs} epochs from scratch, {_final_seconds(rows)}) is the same for all and is not charged.",
    ]
    if rows:
        found.append(f"Work of a search: {'; '.join(f'{row.method} {row.work}' for row in rows)}.")
    missing = [row for row in rows if row.validation.n < len(row.runs)]
    found += [f"{row.method}: {row.validation.n} of {len(row.runs)} seeds have a final result." for row in missing]
    found += [
        f"{row.method}, seed {run.seed}: {run.final.failed if run.final else run.outcome.ended}"
        for row in missing
        for run in row.runs
        if run.validation is None and (run.final is None or run.final.failed)
    ]
    found += [
        f"* {row.method} is further than {100 * TOLERANCE:.0f} % from its budget: {_endings(row)}."
        for row in rows
        if row.share is not None and abs(row.share - 1) > TOLERANCE
    ]
    if rows and any(row.truth.n for row in rows):
        found.append(
            "True accuracy: mean over the trainings in the table of finished trainings, never seen by a search."
        )
    shared = sorted(
        {(run.seed, tuple(sorted((run.method, *run.shared)))) for row in rows for run in row.runs if run.shared}
    )
    found += [
        f"Seed {seed}: {', '.join(methods)} found the same function, which was trained once."
        for seed, methods in shared
    ]
    return found


def found_lines(row: Row) -> list[tuple[str, str]]:
    """(seeds, architecture) of everything a method found."""
    return [
        (f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}", UNKNOWN if text is None else text)
        for text, seeds in row.finds
    ]


def terminal(rows: Sequence[Row], budget_seconds: float, final_epochs: int) -> str:
    """The table and what has to be said of it, for a terminal.

    Args:
        rows: in the order they are shown.
        budget_seconds: device seconds of a search.
        final_epochs: of the final training.
    """
    parts = [title(budget_seconds, rows), "", table(HEAD, [cells(row) for row in rows], " ".ljust(len(HEAD), "r"))]
    finds = [[f"  {row.method}", seeds, text] for row in rows for seeds, text in found_lines(row)]
    parts += ["", "found cells", *([table(finds[0], finds[1:])] if finds else [])]
    return "\n".join([*parts, "", *notes(rows, final_epochs)])


def markdown(rows: Sequence[Row], budget_seconds: float, final_epochs: int) -> str:
    """The same as :func:`terminal`, as Markdown.

    Args:
        rows: in the order they are shown.
        budget_seconds: device seconds of a search.
        final_epochs: of the final training.
    """
    head = [*HEAD, "found cells"]
    lines = [title(budget_seconds, rows), "", _bar(head), "|".join(["", "---", *["---:"] * (len(HEAD) - 1), "---", ""])]
    for row in rows:
        finds = "<br>".join(f"`{_piped(text)}` ({seeds})" for seeds, text in found_lines(row))
        lines.append(_bar([*cells(row), finds]))
    return "\n".join([*lines, "", *(f"- {note}" for note in notes(rows, final_epochs)), ""])


def _bar(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _piped(text: str) -> str:
    """Bars would end a cell of a Markdown table, in code spans too."""
    return text.replace("|", "\\|")


def _final_seconds(rows: Sequence[Row]) -> str:
    known = Spread.of(run.final.seconds for row in rows for run in row.runs if run.final)
    return UNKNOWN if known.mean is None else f"about {human_duration(known.mean)} each"


def _endings(row: Row) -> str:
    return "; ".join(dict.fromkeys(run.outcome.ended for run in row.runs))
