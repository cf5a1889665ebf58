"""The report: one HTML file that needs nothing else, rebuilt from the journal at any time."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import yaml

from ranknosh.core.pool import Candidate
from ranknosh.errors import MissingDependency
from ranknosh.report import budget_plots, cell_plots, plots, rank_plots, words
from ranknosh.report.cell import describe, draw_cell, parse_edges
from ranknosh.report.figure import Panel
from ranknosh.report.series import Margin, margins, unspent
from ranknosh.report.tables import UNKNOWN, trial_status
from ranknosh.report.view import RunView
from ranknosh.report.workers import (
    KINDS,
    executor_label,
    failure_counts,
    schedule_label,
    sessions,
    utilisation,
    what_next,
)
from ranknosh.runs.files import write_atomic

TEMPLATE = "report.html.j2"
LEADERBOARD_ROWS, FAILURE_ROWS, RUNNERS_UP = 20, 40, 3
REASONS = {
    "candidates": "every planned candidate was proposed and every promotion trained",
    "epochs": "the epoch budget is spent as planned",
    "space_exhausted": "every architecture of the space was proposed",
    "wall_time": "the limit on wall time was reached; results so far are kept",
    "device_time": "the limit on device time was reached; results so far are kept",
    "disk": "the limit on disk space was reached; results so far are kept",
    "nothing_learned": "no candidate finished a training",
}


def write_report(run_dir: Path | str, view: RunView | None = None) -> Path:
    """Write ``report.html`` into the run folder, replacing it whole, and return its path.

    Raises StoreError where the journal cannot be read or the file not written, MissingDependency without matplotlib or jinja2.
    """
    view = view if view is not None else RunView.load(run_dir)
    path = Path(run_dir) / "report.html"
    write_atomic(path, render(view).encode())
    return path


def render(view: RunView) -> str:
    """The whole page. Equal journals give equal bytes."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingDependency("jinja2", "writing the report") from error

    environment = Environment(
        loader=PackageLoader("ranknosh.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": words.percent,
        "points": words.points,
        "number": words.number,
        "integer": words.integer,
        "duration": words.duration,
        "breakable": breakable,
        "counted": words.counted,
    }
    return environment.get_template(TEMPLATE).render(context(view))


def breakable(text: str) -> str:
    """An exchange string as HTML, escaped, that may break into lines after its bars."""
    return escape(text).replace("|", "|<wbr>")


def context(view: RunView) -> dict[str, Any]:
    """What the template fills in."""
    best, tested = view.pool.best(), view.tested()
    ranked = view.leaderboard()
    runners = [candidate for candidate in ranked if best is None or candidate.id != best.id][:RUNNERS_UP]
    return {
        "view": view,
        "unknown": UNKNOWN,
        "best": best,
        "tested": tested,
        "stop": _stop(view),
        "test_note": _test_note(view),
        "unspent": unspent(view),
        "margins": margins(view),
        "headline": _headline(view, best, margins(view)),
        "found": _cell(best, "found") if best else None,
        "runners": [{"candidate": c, "rank": ranked.index(c) + 1, **_cell(c, f"runner{c.id}")} for c in runners],
        "panels": panels(view),
        "rows": [_row(view, place, candidate) for place, candidate in enumerate(ranked[:LEADERBOARD_ROWS], 1)],
        "ranked": len(ranked),
        "failures": view.pool.failures[:FAILURE_ROWS],
        "failure_count": len(view.pool.failures),
        "failure_kinds": failure_counts(view),
        "kind_words": KINDS,
        "what_next": what_next,
        "uses": sessions(view),
        "workers_note": _workers_note(view),
        "facts": _facts(view),
        "versions": sorted((view.header.get("versions") or {}).items()),
        "config": yaml.safe_dump(dict(view.config), sort_keys=False, default_flow_style=None, width=100),
        "data_name": _data_name(view),
    }


def panels(view: RunView) -> list[Panel]:
    """Every picture of the page, in reading order."""
    return [
        plots.pyramid_panel(view),
        plots.incumbent_panel(view),
        budget_plots.budget_panel(view),
        rank_plots.predictor_panel(view),
        rank_plots.agreement_panel(view),
        cell_plots.cost_panel(view),
        rank_plots.proxies_panel(view),
        cell_plots.operations_panel(view),
        cell_plots.origins_panel(view),
    ]


def _stop(view: RunView) -> str:
    stopped = view.pool.stopped
    if stopped is None:
        return "still running" if view.running else "not finished: interrupted, and can be resumed"
    return stopped.detail or REASONS.get(stopped.reason, stopped.reason.replace("_", " "))


def _test_note(view: RunView) -> str:
    if not view.pool.tested:
        return "read at the end only"
    times = len(view.pool.tested)
    return (
        "read once, at the end" if times == 1 else f"the test split was read {times} times: it is no longer untouched"
    )


def _workers_note(view: RunView) -> str:
    used = sessions(view)
    busy = utilisation(used)
    if busy is None:
        return "How busy the workers were is not known: no session has ended yet or recorded it."
    text = f"Workers were in jobs {words.percent(busy, 0)} of the time they stood ready; their start-up is not counted."
    if view.setting("pyramid", "schedule") == "eager":
        text += (
            " The eager schedule decides in the order in which results arrive: another run of this configuration may decide "
            "otherwise."
        )
    return text


def _headline(view: RunView, best: Candidate | None, rows: list[Margin]) -> str:
    if best is None:
        return "No candidate has finished a level yet; this page fills as the search goes on."
    top = "the top level" if best.level == view.pyramid.levels else f"level {best.level} of {view.pyramid.levels}"
    text = f"Candidate {best.id} leads at {top}, after {words.counted(best.epochs, 'epoch')} of training"
    if best.replicas:
        text += f"; its validation accuracy is the mean of {1 + len(best.replicas)} trainings with different seeds"
    if rows:
        text += (
            f". At level 1 it stands {words.points(rows[0].gain)} against the mean of {rows[0].n} initial candidates"
        )
    return text + "."


def _cell(candidate: Candidate, name: str) -> dict[str, str]:
    return {"svg": draw_cell(candidate.text, name), "words": describe(parse_edges(candidate.text))}


def _row(view: RunView, place: int, candidate: Candidate) -> dict[str, Any]:
    latest = candidate.latest
    seeds = 1 + len(candidate.replicas)
    return {
        "rank": place,
        "candidate": candidate,
        "loss": latest.validation_loss if latest else None,
        "seeds": seeds,
        "single": latest.validation_accuracy if latest and seeds > 1 else None,
        "status": trial_status(view, candidate),
    }


def _data_name(view: RunView) -> str:
    return str(view.setting("data", "name") or view.setting("data", "folder") or view.setting("data", "npz") or UNKNOWN)


def _facts(view: RunView) -> list[tuple[str, str]]:
    header = view.header
    return [
        ("run", view.name),
        ("search space", str(header.get("space") or view.setting("space", "name") or UNKNOWN)),
        ("data", _data_name(view)),
        ("seed", str(header.get("seed", UNKNOWN))),
        ("git revision", str(header.get("git") or UNKNOWN)),
        ("started", str(header.get("created") or UNKNOWN)),
        ("executor", executor_label(view) or UNKNOWN),
        ("schedule", schedule_label(view) or UNKNOWN),
        ("ranking metric", rank_plots.metric_label(view)),
    ]
