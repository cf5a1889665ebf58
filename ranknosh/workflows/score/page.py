"""The page of a table of scores: its sections, from its results alone."""

from collections.abc import Sequence

from ranknosh.config.score import ScoreSettings
from ranknosh.config.units import plural
from ranknosh.core.records import Session
from ranknosh.report.page import Page, PageSection, PageTable, origin
from ranknosh.report.words import UNKNOWN
from ranknosh.runs.journal import Header
from ranknosh.workflows.score.plots import accuracy_plot, heat_plot, matrix_plot
from ranknosh.workflows.score.rows import Results
from ranknosh.workflows.score.summary import ProxySummary, proxy_table, summarise


def render(results: Results, header: Header, sessions: Sequence[Session]) -> str:
    """The whole page; equal journals give equal bytes.

    Args:
        results: what was asked for and what came of it.
        header: of the run's journal.
        sessions: of the run, in order.

    Raises:
        MissingDependency: matplotlib or jinja2 is not installed.
    """
    proxies, space = plural(len(results.directions), "proxy", "proxies"), results.settings.space.name
    about = f"{plural(len(results.rows), 'architecture')}, {plural(results.functions, 'function')}, {proxies}"
    rows, directions = results.rows, results.directions
    sections = [
        PageSection("summary", "Each proxy", [_table(summarise(rows, directions), results.judged)]),
        heat_plot(rows, directions),
        matrix_plot(rows, directions),
        accuracy_plot(rows, directions, results.judged),
        origin(_facts(results.settings), header, sessions, results.settings.to_dict()),
    ]
    return Page("Train-free scores", f"Train-free scores of {space}", about, sections).render()


def _table(summaries: Sequence[ProxySummary], judged: bool) -> PageTable:
    head, rows = proxy_table(summaries, judged)
    reason = "commonest reason of a missing value"
    if any(one.reasons for one in summaries):
        head.append(reason)
        for row, one in zip(rows, summaries, strict=True):
            row.append("; ".join(f"{count} × {why}" for why, count in one.reasons[:1]))
    against = "params and accuracy" if judged else "params"
    caption = (
        f"With {against}: Spearman's rank correlation, each proxy turned so that larger is better; a missing value counts as the "
        "worst. Median of the raw values; time: the median of one architecture, shared passes shared out."
    )
    return PageTable(head, rows, caption, text=("proxy", "better"), prose=(reason,))


def _facts(settings: ScoreSettings) -> list[tuple[str, object]]:
    source = settings.data.name or settings.data.folder or settings.data.npz or UNKNOWN
    facts: list[tuple[str, object]] = [
        ("search space", settings.space.name),
        ("network", f"{settings.network.channels} channels, {plural(settings.network.cells, 'cell')} in a stage"),
        ("images", f"{settings.batch} of {source}, the same for all"),
        ("weights", f"seed {settings.seed}, the same for all"),
    ]
    for name, values in settings.options.items():
        facts.append((f"options of {name}", ", ".join(f"{key} = {value}" for key, value in values.items())))
    return facts
