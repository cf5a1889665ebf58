"""The table of a comparison as people read it, in a terminal and in Markdown."""

from collections.abc import Sequence

from ranknosh.config.screen import table
from ranknosh.config.search import CompareSettings
from ranknosh.config.units import human_count, human_duration, plural
from ranknosh.report.words import UNKNOWN
from ranknosh.workflows.compare.records import TOLERANCE
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
    """One row under :data:`HEAD`: mean ± standard error over the seeds, ``n/a`` where unknown.

    A share of the budget is marked where it is further from the whole than the tolerance.
    """
    return [
        row.method,
        str(len(row.runs)),
        *(_with_error(row.spread(name), 2, 100.0) for name in ("validation", "test", "truth")),
        _with_error(row.spread("cost"), 1, 1.0),
        f"{100 * row.share:.0f} %{'' if row.on_budget else ' *'}",
        human_count(row.spread("params").mean),
        human_count(row.spread("macs").mean),
    ]


def _with_error(spread: Spread, digits: int, factor: float) -> str:
    """``81.23 ± 0.45``, the mean alone where one run is known."""
    if spread.mean is None:
        return UNKNOWN
    mean = f"{factor * spread.mean:.{digits}f}"
    return mean if spread.error is None else f"{mean} ± {factor * spread.error:.{digits}f}"


def title(budget_seconds: float, rows: Sequence[Row]) -> str:
    repeats = max((len(row.runs) for row in rows), default=0)
    each = f"{plural(len(rows), 'method')}, {plural(repeats, 'seed')} each"
    return f"{each}, {human_duration(budget_seconds)} of device time a search"


def notes(rows: Sequence[Row], final_epochs: int) -> list[str]:
    """What a reader has to know of the numbers, one sentence a line."""
    final = Spread.of(run.final.seconds for row in rows for run in row.runs if run.final).mean
    about = UNKNOWN if final is None else f"about {human_duration(final)} each"
    found = [
        "Mean ± standard error over the seeds; sorted by validation, never by test. Params and MACs are means over the cells "
        "with a final result.",
        f"Search cost holds proxies, predictor, supernet and failures. The final training "
        f"({final_epochs} epochs from scratch, {about}) is the same for all and is not charged.",
    ]
    if rows:
        found.append(f"Work of a search: {'; '.join(f'{row.method} {row.work}' for row in rows)}.")
    missing = [(row, known) for row in rows if (known := row.spread("validation").n) < len(row.runs)]
    found += [f"{row.method}: {known} of {len(row.runs)} seeds have a final result." for row, known in missing]
    found += [
        f"{row.method}, seed {run.search.seed}: {run.final.failed if run.final else run.search.ended}"
        for row, _ in missing
        for run in row.runs
        if run.final is None or run.final.failed
    ]
    for row in rows:
        if not row.on_budget:
            endings = "; ".join(dict.fromkeys(run.search.ended for run in row.runs))
            found.append(f"* {row.method} is further than {100 * TOLERANCE:.0f} % from its budget: {endings}.")
    if any(row.spread("truth").n for row in rows):
        found.append(
            "True accuracy: mean over the trainings in the table of finished trainings, never seen by a search."
        )
    shared = sorted(
        {(run.search.seed, tuple(sorted((row.method, *run.shared)))) for row in rows for run in row.runs if run.shared}
    )
    found += [
        f"Seed {seed}: {', '.join(methods)} found the same function, which was trained once."
        for seed, methods in shared
    ]
    return found


def terminal(rows: Sequence[Row], settings: CompareSettings) -> str:
    """The table and what has to be said of it, for a terminal."""
    parts = [title(settings.budget_seconds, rows), ""]
    parts.append(table(HEAD, [cells(row) for row in rows], " ".ljust(len(HEAD), "r")))
    finds = [[f"  {row.method}", seeds, text or UNKNOWN] for row in rows for text, seeds in row.finds.items()]
    parts += ["", "found cells", *([table(finds[0], finds[1:])] if finds else [])]
    return "\n".join([*parts, "", *notes(rows, settings.whole_epochs)])


def markdown(rows: Sequence[Row], settings: CompareSettings) -> str:
    """The same as :func:`terminal`, as Markdown."""
    sides = ["---", *["---:"] * (len(HEAD) - 1), "---"]
    table_rows: list[Sequence[str]] = [[*HEAD, "found cells"], sides]
    for row in rows:
        # Bars would end a cell of a Markdown table, in code spans too.
        finds = ["`{}` ({})".format((text or UNKNOWN).replace("|", "\\|"), seeds) for text, seeds in row.finds.items()]
        table_rows.append([*cells(row), "<br>".join(finds)])
    lines = [f"| {' | '.join(parts)} |" for parts in table_rows]
    said = [f"- {note}" for note in notes(rows, settings.whole_epochs)]
    return "\n".join([title(settings.budget_seconds, rows), "", *lines, "", *said, ""])
