"""The page of a table of scores: its sections, from its results alone."""

from __future__ import annotations

from collections.abc import Sequence

from ranknosh.config.score import ScoreSettings
from ranknosh.core.records import Session
from ranknosh.report.page import Page, PageSection, PageTable, origin
from ranknosh.report.words import UNKNOWN, counted
from ranknosh.runs.journal import Header
from ranknosh.workflows.score.plots import accuracy_plot, heat_plot, matrix_plot
from ranknosh.workflows.score.rows import Results
from ranknosh.workflows.score.summary import ProxySummary, rho_text, summarise


def render(results: Results, header: Header, sessions: Sequence[Session]) -> str:
    """The whole page; equal journals give equal bytes.

    Args:
        results: what was asked for and what came of it.
        header: of the run's journal.
        sessions: of the run, in order.

    Raises:
        MissingDependency: matplotlib or jinja2 is not installed.
    """
    proxies, space = counted(len(results.directions), "proxy", "proxies"), results.settings.space.name
    about = f"{counted(len(results.rows), 'architecture')}, {counted(results.functions, 'function')}, {proxies}"
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
    reason = "commonest reason of a missing value"
    accuracy = ["ρ with accuracy"] if judged else []
    head = ["proxy", "better", "given", "without", "median", "seconds each", "ρ with params", *accuracy, reason]
    caption = (
        "ρ: Spearman's rank correlation, each proxy turned so that larger is better; a missing value counts as the worst. Median "
        "of the raw values; seconds: the median time of one architecture, shared passes shared out."
    )
    rows = [_row(one, judged) for one in summaries]
    return PageTable(head, rows, caption, text=("proxy", "better"), prose=(reason,))


def _row(one: ProxySummary, judged: bool) -> list[object]:
    counts = [one.name, "higher" if one.direction > 0 else "lower", one.given, one.missing]
    known = [UNKNOWN if one.median is None else f"{one.median:.4g}"]
    known += [UNKNOWN if one.seconds is None else f"{one.seconds:.3g}", rho_text(one.with_params, False)]
    known += [rho_text(one.with_accuracy, True)] if judged else []
    return [*counts, *known, "; ".join(f"{count} × {reason}" for reason, count in one.reasons[:1])]


def _facts(settings: ScoreSettings) -> list[tuple[str, object]]:
    source = settings.data.name or settings.data.folder or settings.data.npz or UNKNOWN
    facts: list[tuple[str, object]] = [
        ("search space", settings.space.name),
        ("network", f"{settings.network.channels} channels, {counted(settings.network.cells, 'cell')} in a stage"),
        ("images", f"{settings.batch} of {source}, the same for all"),
        ("weights", f"seed {settings.seed}, the same for all"),
    ]
    for name, values in settings.options.items():
        facts.append((f"options of {name}", ", ".join(f"{key} = {value}" for key, value in values.items())))
    return facts
