"""The table of a comparison as people read it, in a terminal and in Markdown."""

from collections.abc import Sequence

from ranknosh.config.screen import table
from ranknosh.config.search import CompareSettings
from ranknosh.config.units import Quantity, human_count, human_duration, plural
from ranknosh.errors import printable
from ranknosh.report.words import UNKNOWN
from ranknosh.workflows.compare.records import TOLERANCE
from ranknosh.workflows.compare.rows import Row, Spread, findings_of
from ranknosh.workflows.compare.statistics import LEAST_SEEDS, LEVEL, Difference

GAPS = ("method", "against", "difference", "95 % interval", "p", "Holm", "verdict")
"""Columns of the table of differences."""


def columns(rows: Sequence[Row], metric: Quantity) -> list[str]:
    """The columns of the table; that of finished trainings is there where these know something."""
    judged = [f"{part} {metric.label}" for part in ("validation", "test")]
    known = ["table (%)"] if in_table(rows) else []
    return ["method", "seeds", *judged, *known, "search cost (device s)", "of budget", "params", "MACs"]


def in_table(rows: Sequence[Row]) -> bool:
    """Whether a table of finished trainings knows any of what was found."""
    return any(row.spread("truth").n for row in rows)


def lines(rows: Sequence[Row]) -> list[list[str]]:
    """A line a method under :func:`columns`: mean ± half its 95 % t interval over the seeds, ``n/a`` where unknown.

    A share of the budget is marked where it is further from the whole than the tolerance.
    """
    known = in_table(rows)
    return [
        [
            row.method,
            str(len(row.runs)),
            *(of_metric(row.spread(name), row.metric) for name in ("validation", "test")),
            *([_with_margin(row.spread("truth"), ".2f", 100.0)] if known else []),
            _with_margin(row.spread("cost"), ".1f", 1.0),
            row.share_text + ("" if row.on_budget else " *"),
            human_count(row.spread("params").mean),
            human_count(row.spread("macs").mean),
        ]
        for row in rows
    ]


def of_metric(spread: Spread, metric: Quantity) -> str:
    """Mean ± half its 95 % t interval, in the unit of the metric."""
    return _with_margin(spread, ".2f" if metric.unit == "%" else ".4g", metric.scale)


def _with_margin(spread: Spread, form: str, factor: float) -> str:
    """``81.23 ± 0.45``, the mean alone where one run is known."""
    if spread.mean is None:
        return UNKNOWN
    mean = f"{factor * spread.mean:{form}}"
    return mean if spread.margin is None else f"{mean} ± {factor * spread.margin:{form}}"


def p_text(p: float | None) -> str:
    """``0.031``, ``< 0.001``, ``n/a``."""
    if p is None:
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def differences(rows: Sequence[Row]) -> list[list[str]]:
    """Every method against random search and against the best by validation, under :data:`GAPS`."""
    found = findings_of(rows)
    return [] if found is None else [_gap(each, rows[0].metric) for each in found.differences]


def _gap(gap: Difference, metric: Quantity) -> list[str]:
    form = ".2f" if metric.unit == "%" else ".4g"
    interval = UNKNOWN
    if gap.margin is not None:
        low, high = (metric.scale * (gap.mean + side * gap.margin) for side in (-1, 1))
        interval = f"{low:+{form}} to {high:+{form}}"
    difference, ps = f"{metric.scale * gap.mean:+{form}}", (p_text(gap.p), p_text(gap.corrected))
    return [gap.method, gap.other, difference, interval, *ps, gap.verdict(metric.higher)]


def differences_title(rows: Sequence[Row]) -> str:
    """Of the table of differences: ``Differences of test accuracy (%)``."""
    found = findings_of(rows)
    return f"Differences of {found.part if found else 'test'} {rows[0].metric.label}"


def statistical_notes(rows: Sequence[Row]) -> list[str]:
    """How differences are tested, and the mean ranks."""
    found = findings_of(rows)
    if found is None:
        return []
    if not found.differences:
        return ["One method alone: there is nothing to compare it with."] if len(rows) < 2 else []
    welch = "" if all(gap.paired for gap in found.differences) else ", Welch where the seeds with a result differ"
    said = [
        f"{found.best} is the best by validation; differences are of {found.part}, method minus other. Two-sided t tests, "
        f"paired by seed{welch}; "
        f"Holm's correction is over the methods against the same other one, and below {LEVEL:g} a method is better or worse. "
        "Intervals are each for itself. Not distinguishable is no proof of equality: more seeds may tell."
    ]
    if found.ranks is None:
        return [*said, f"Ranks need {LEAST_SEEDS} seeds under which every method has a result."]
    ordered = sorted(found.ranks.mean.items(), key=lambda each: each[1])
    listed = ", ".join(f"{method} {rank:.2f}" for method, rank in ordered)
    said.append(
        f"Mean ranks over {found.ranks.seeds} seeds (1 is best): {listed}. Two methods differ where their mean ranks do by more "
        f"than {found.ranks.critical:.2f} (Nemenyi's critical difference); seeds of one task are ranked, so this says nothing of "
        "other tasks."
    )
    return said


def title(budget_seconds: float, rows: Sequence[Row]) -> str:
    repeats = max((len(row.runs) for row in rows), default=0)
    each = f"{plural(len(rows), 'method')}, {plural(repeats, 'seed')} each"
    return f"{each}, {human_duration(budget_seconds)} of device time a search"


def notes(rows: Sequence[Row], final_epochs: int) -> list[str]:
    """What a reader has to know of the numbers, one sentence a line."""
    lower = [f"Lower {row.metric.name} is better." for row in rows[:1] if not row.metric.higher]
    final = Spread.of(run.final.seconds for row in rows for run in row.runs if run.final).mean
    about = UNKNOWN if final is None else f"about {human_duration(final)} each"
    found = [
        "Mean ± half its 95 % t interval over the seeds; sorted by validation, never by test. Params and MACs "
        "(multiply-accumulates of one input) are means over the finds with a final result.",
        *lower,
        f"Search cost holds proxies, predictor, supernet and failures. The final training "
        f"({plural(final_epochs, 'epoch')} from scratch, {about}) is the same for all and is not charged.",
    ]
    if rows:
        found.append(f"Work of a search: {'; '.join(f'{row.method} {row.work}' for row in rows)}.")
    if stock := [row.method for row in rows if row.is_stock]:
        found.append(
            f"Stock networks ({', '.join(stock)}) need no search, which costs 0 s; their training is the final one of all. Its "
            "recipe may not suit them: a result near chance tells of the recipe, not of the network."
        )
    missing = [(row, known) for row in rows if (known := row.spread("validation").n) < len(row.runs)]
    found += [
        f"{row.method}: {known} of {plural(len(row.runs), 'seed')} have a final result." for row, known in missing
    ]
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
    if in_table(rows):
        found.append(
            f"Table: the mean over the finished trainings in the table of {rows[0].table}, never seen by a search."
        )
    shared = sorted(
        {(run.search.seed, tuple(sorted((row.method, *run.shared)))) for row in rows for run in row.runs if run.shared}
    )
    found += [
        f"Seed {seed}: {', '.join(methods)} found the same function, which was trained once."
        for seed, methods in shared
    ]
    return found


def terminal(rows: Sequence[Row], settings: CompareSettings, metric: Quantity) -> str:
    """The table and what has to be said of it, for a terminal."""
    parts, head = [title(settings.budget_seconds, rows), ""], columns(rows, metric)
    parts.append(table(head, lines(rows), " ".ljust(len(head), "r")))
    finds = [[f"  {row.method}", seeds, text or UNKNOWN] for row in rows for text, seeds in row.finds.items()]
    parts += ["", "found", *([table(finds[0], finds[1:])] if finds else [])]
    if gaps := differences(rows):
        parts += ["", differences_title(rows), table(GAPS, gaps, "  rrrr")]
    return "\n".join([*parts, "", *notes(rows, settings.whole_epochs), *statistical_notes(rows)])


def markdown(rows: Sequence[Row], settings: CompareSettings, metric: Quantity) -> str:
    """The same as :func:`terminal`, as Markdown."""
    head = columns(rows, metric)
    sides = ["---", *["---:"] * (len(head) - 1), "---"]
    table_rows: list[Sequence[str]] = [[*head, "found"], sides]
    for row, line in zip(rows, lines(rows), strict=True):
        # Bars would end a cell of a Markdown table, in code spans too.
        finds = ["`{}` ({})".format((text or UNKNOWN).replace("|", "\\|"), seeds) for text, seeds in row.finds.items()]
        table_rows.append([*line, "<br>".join(finds)])
    written = [f"| {' | '.join(parts)} |" for parts in table_rows]
    if gaps := differences(rows):
        sides = ["---", "---", *["---:"] * 4, "---"]
        written += ["", f"{differences_title(rows)}:", ""]
        written += [f"| {' | '.join(parts)} |" for parts in (GAPS, sides, *gaps)]
    said = [f"- {note}" for note in (*notes(rows, settings.whole_epochs), *statistical_notes(rows))]
    return "\n".join(map(printable, [title(settings.budget_seconds, rows), "", *written, "", *said, ""]))
