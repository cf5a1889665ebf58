"""The page of a table of scores: its sections, from its results alone."""

from collections.abc import Sequence

from ranknosh.config.score import ScoreSettings
from ranknosh.config.units import plural
from ranknosh.report.page import Page, PageSection, PageTable, origin
from ranknosh.report.words import UNKNOWN
from ranknosh.runs.run import Run
from ranknosh.workflows.score.plots import heat_plot, matrix_plot, truth_plot
from ranknosh.workflows.score.records import ScoreState
from ranknosh.workflows.score.rows import Results
from ranknosh.workflows.score.summary import ProxySummary, proxy_table, summarise


def render(run: Run[ScoreState], results: Results) -> str:
    """The whole page; equal journals give equal bytes.

    Args:
        run: the table of scores.
        results: what was asked for and what came of it.

    Raises:
        MissingDependency: matplotlib or jinja2 is not installed.
    """
    proxies, space = plural(len(results.directions), "proxy", "proxies"), results.settings.space.name
    about = f"{plural(len(results.rows), 'architecture')}, {plural(results.functions, 'function')}, {proxies}"
    rows, directions, known = results.rows, results.directions, run.table_data if results.judged else None
    sections = [
        PageSection("summary", "Each proxy", [_table(summarise(rows, directions), known)]),
        heat_plot(rows, directions),
        matrix_plot(rows, directions),
        truth_plot(rows, directions, known),
        origin(_facts(results.settings), run),
    ]
    return Page("Train-free scores", f"Train-free scores of {space}", about, sections).render()


def _table(summaries: Sequence[ProxySummary], table: str | None) -> PageTable:
    head, rows = proxy_table(summaries, table is not None)
    reason = "no value, most often because"
    if any(one.reasons for one in summaries):
        head.append(reason)
        for row, one in zip(rows, summaries, strict=True):
            row.append("; ".join(f"{count} × {why}" for why, count in one.reasons[:1]))
    against = "params" if table is None else f"params and the table (of {table})"
    caption = (
        f"With {against}: Spearman's rank correlation, each proxy turned so that larger is better; a missing value counts as the "
        "worst. Median of the raw values; time: the median of one architecture, shared passes shared out."
    )
    return PageTable(head, rows, caption, text=("proxy", "better"), prose=(reason,))


def _facts(settings: ScoreSettings) -> list[tuple[str, object]]:
    source = settings.data.name or settings.data.folder or settings.data.npz or UNKNOWN
    facts: list[tuple[str, object]] = [
        ("search space", settings.space.name),
        ("network", settings.space.words),
        ("examples", f"{settings.batch} of {source}, the same for all"),
        ("weights", f"seed {settings.seed}, the same for all"),
    ]
    for name, values in settings.options.items():
        facts.append((f"options of {name}", ", ".join(f"{key} = {value}" for key, value in values.items())))
    return facts
