"""Verbs that take a run of any kind: ``resume``, ``status``, ``top``, ``clean`` and ``repair``."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson, Quiet, flags_of
from ranknosh.cli.search import failures_text, status_text, stock_rows
from ranknosh.cli.working import USAGE, watched
from ranknosh.config.screen import facts, flat, head_text, print_result, rows_text, say, value_text
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.config.units import human_size, plural
from ranknosh.errors import ConfigError, printable, to_type

if TYPE_CHECKING:
    from rich.text import Text

    from ranknosh.runs.run import Run

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo-001.", show_default=False)
]


@flags_of(SearchSettings, {"executor": "--ray [ADDRESS]", "track": "--track WHERE"})
def resume(run: RunFolder, given: Overrides, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Resume a run that was interrupted or stopped by a limit; limits may be raised, and it may move to other workers.

    \b
    Examples:
    ranknosh resume runs/demo-001
    ranknosh resume runs/demo-001 --set budget.epochs=200
    ranknosh resume runs/demo-001 --set data.folder=/new/place/of/the/images
    ranknosh resume runs/demo-001 --ray auto
    ranknosh resume runs/demo-001 --set executor.name=inline
    ranknosh resume runs/demo-001 --json
    """
    from ranknosh.workflows import open_run

    found = open_run(run)
    with watched(quiet or as_json) as told:
        ended = found.resume(given, **told)
    # The module of the verb that begins a workflow has the name of the workflow, and says how such a run ended.
    import_module(f"ranknosh.cli.{ended.WORKFLOW}").sum_up(ended, as_json)


def status(
    run: RunFolder,
    as_json: AsJson = False,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Of a search: proposals and promotions in logical order, without times.")
    ] = False,
    failures: Annotated[
        bool, typer.Option("--failures", help="Of a search: every failed training with its message and traceback.")
    ] = False,
    why: Annotated[
        int | None,
        typer.Option(
            "--why", metavar="ID", min=0, help="Of a search: why this candidate was promoted, paused or given up."
        ),
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch", metavar="SECONDS", min=0.1, help="Show it anew every so many seconds, until the run ends."
        ),
    ] = None,
) -> None:
    """Say where a run of any kind is: how far it got, what it found, what it cost.

    \b
    Examples:
    ranknosh status runs/demo-001
    ranknosh status runs/demo-001 --json
    ranknosh status runs/demo-001 --watch 5
    ranknosh status runs/demo-001 --failures
    ranknosh status runs/demo-001 --why 7
    diff <(ranknosh status runs/a --decisions) <(ranknosh status runs/b --decisions)
    """
    from ranknosh.workflows import open_run

    asked = {"decisions": decisions, "failures": failures, "why": why is not None}
    if sum(asked.values()) > 1:
        raise ConfigError("--decisions, --failures and --why are different listings; give one of them")
    if any(asked.values()):
        _list(run, decisions, why, as_json)
        return
    found = open_run(run)
    now = found.describe()
    if watch is None or now["state"] != "running" or as_json or not sys.stdout.isatty():
        _repeat(run, watch, as_json)
        return
    from rich.live import Live

    with Live(_drawn(now, found), auto_refresh=False) as live:
        while now["state"] == "running":
            time.sleep(watch)
            found = open_run(run)
            now = found.describe()
            live.update(_drawn(now, found), refresh=True)


def _repeat(run: Path, watch: float | None, as_json: bool) -> None:
    """Print where a run is, and again every ``watch`` seconds while it works."""
    from ranknosh.workflows import open_run

    while True:
        found = open_run(run)
        now = found.describe()
        print_result(now, _described(now, found), as_json)
        if watch is None or now["state"] != "running":
            return
        time.sleep(watch)


def _list(run: Path, decisions: bool, why: int | None, as_json: bool) -> None:
    """The decisions, the reasons of a candidate, or the failures of a search."""
    from ranknosh.report.reasons import reasons
    from ranknosh.report.tables import decision_lines
    from ranknosh.report.workers import failure_rows
    from ranknosh.workflows.search.run import SearchRun

    view = SearchRun.read(run)
    if decisions:
        lines = decision_lines(view)
        print_result(lines, "\n".join(lines), as_json)
    elif why is not None:
        reason = reasons(view, [why])[why]
        head = f"#{why}   {reason.status}, level {reason.level} of {view.pyramid.levels}"
        print_result(reason.plain(), f"{head}\n{view.pool.candidates[why].text}\n{reason.text}", as_json)
    else:
        rows = failure_rows(view)
        print_result(rows, failures_text(rows), as_json)


def _drawn(now: Mapping[str, Any], run: Run[Any]) -> Text:
    """The same for a part of the terminal that is drawn again and again."""
    from rich.text import Text

    return Text(printable(_described(now, run), "\n"))


def _described(now: Mapping[str, Any], run: Run[Any]) -> str:
    """Where a run is, as aligned text, from its JSON form."""
    if now["workflow"] == "search" and isinstance(run.settings, SearchSettings):
        return status_text(now, run.folder, run.quantities, run.settings.budget)
    known = {name: value for name, value in flat(now).items() if not isinstance(value, dict | list | None)}
    rows = [(head_text(name), value_text(name, value, run.quantities)) for name, value in known.items()]
    return facts([*rows, ("next", to_type("resume", run.folder) if now["state"] == "interrupted" else None)])


def top(
    run: RunFolder,
    count: Annotated[int, typer.Option("--count", "-n", "-k", min=1, help="How many rows.")] = 10,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="CONDITION", help="Of a search: those alone that meet it, such as 'params <= 500K'."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the best results of a run of any kind, the best first.

    Of a search: those trained to the highest level first, among them by the metric that the search ranks by (train.metric),
    which is a column of its own where it is not the first one shown; with several objectives their front comes first. A stock
    network trained beside the winner is shown below; --json has it in 'ranknosh status RUN --json'. MACs are
    multiply-accumulates of one input; a metric with ema_ before it was measured with averaged weights.

    \b
    Examples:
    ranknosh top runs/demo-001 -n 5
    ranknosh top runs/demo-001 --json
    ranknosh top runs/demo-001 --where 'params <= 500K' --where 'accuracy >= 90%'
    """
    from ranknosh.workflows import open_run

    found = open_run(run)
    if where:
        from ranknosh.workflows.search.run import SearchRun

        found = SearchRun.read(run)  # says so where it is no search
        rows, nothing, beside = found.top(count, where), "no result meets that", []
    else:
        rows, nothing, now = found.top(count), "there is no result yet", found.describe()
        beside = stock_rows(now, found.quantities) if now["workflow"] == "search" else []
    board = rows_text(rows, found.quantities) if rows else nothing
    print_result(rows, f"{board}\n\n{facts(beside)}" if beside else board, as_json)


def clean(
    run: RunFolder,
    everything: Annotated[
        bool, typer.Option("--all", help="Every checkpoint but the best candidate's; going on later trains them anew.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove files of a run of any kind that no longer serve: checkpoints of failed candidates, or all but the best's.

    \b
    Examples:
    ranknosh clean runs/demo-001 --dry-run
    ranknosh clean runs/demo-001 --all --yes
    """
    from ranknosh.runs.folder import locked
    from ranknosh.workflows import open_run

    found = open_run(run)
    waste = found.waste(everything)
    for item in waste:
        say(printable(f"{human_size(item.size):>10}  {item.where}  ({item.reason})"))
    total = f"{plural(len(waste), 'item')}, {human_size(sum(item.size for item in waste))}"
    if not waste:
        say("nothing to remove: everything here still serves")
    elif dry_run:
        say(f"would remove {total}")
    elif everything and not yes and not _confirmed(total):
        say("nothing removed")
        raise typer.Exit(USAGE)
    else:
        with locked(found.folder):  # no session begins while files go
            for item in open_run(run).waste(everything):  # one that worked until now may have left others
                item.remove()
        say(f"removed {total}")


def _confirmed(total: str) -> bool:
    try:
        return typer.confirm(f"remove {total}? A resumed search would train these candidates from the start")
    except typer.Abort:
        return False


def repair(
    run: RunFolder,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """Cut a damaged journal at its last good line; the file as it was is kept beside it.

    \b
    Examples:
    ranknosh repair runs/demo-001 --dry-run
    ranknosh repair runs/demo-001
    """
    from dataclasses import asdict

    from ranknosh.runs.repair import repair as cut
    from ranknosh.workflows import record_classes, run_class

    damage = cut(run, record_classes, lambda history: run_class(history.header.workflow).fold(history), dry_run)
    if damage is None:
        print_result(None, f"{run} is whole: nothing to repair", as_json)
        return
    lost = f"{plural(damage.lines, 'line')} ({human_size(damage.bytes)}) from line {damage.number} on"
    done = f"cut {lost}; the journal as it was is {damage.copy}\nnext: {to_type('resume', run)}"
    done = f"would cut {lost}; everything before it stays" if dry_run else done
    print_result({**asdict(damage), "copy": str(damage.copy)}, f"line {damage.number}: {damage.why}\n{done}", as_json)
