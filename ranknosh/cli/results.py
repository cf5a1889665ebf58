"""Verbs that take a run of any kind: ``resume``, ``status``, ``top``, ``report``, ``clean`` and ``repair``."""

import time
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ranknosh.cli.flags import AsJson, Quiet, flags_of
from ranknosh.cli.search import failures_text, status_text
from ranknosh.cli.working import USAGE, watched
from ranknosh.config.screen import facts, print_result, rows_text, value_text
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.config.units import human_size, plural
from ranknosh.errors import ConfigError

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo-001.", show_default=False)
]


class YesNo(str, Enum):
    yes = "yes"
    no = "no"


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
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch", metavar="SECONDS", min=0.1, help="Print it again every so many seconds, until the run ends."
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
    diff <(ranknosh status runs/a --decisions) <(ranknosh status runs/b --decisions)
    """
    from ranknosh.workflows import open_run

    if decisions and failures:
        raise ConfigError("--decisions and --failures are two different listings; give one of them")
    if decisions or failures:
        _list(run, decisions, as_json)
        return
    while True:
        now = open_run(run).describe()
        print_result(now, _described(now, run), as_json)
        if watch is None or now["state"] != "running":
            return
        time.sleep(watch)


def _list(run: Path, decisions: bool, as_json: bool) -> None:
    """The decisions or the failures of a search."""
    from ranknosh.report.tables import decision_lines
    from ranknosh.report.workers import failure_rows
    from ranknosh.workflows.search.run import SearchRun

    view = SearchRun.read(run)
    if decisions:
        lines = decision_lines(view)
        print_result(lines, "\n".join(lines), as_json)
    else:
        rows = failure_rows(view)
        print_result(rows, failures_text(rows), as_json)


def _described(now: Mapping[str, Any], run: Path) -> str:
    """Where a run is, as aligned text, from its JSON form."""
    if now["workflow"] == "search":
        return status_text(now, run)
    known = {name: value for name, value in now.items() if not isinstance(value, dict | list | None)}
    rows = [(name.replace("_", " "), value_text(name, value)) for name, value in known.items()]
    return facts([*rows, ("next", f"ranknosh resume {run}" if now["state"] == "interrupted" else None)])


def top(
    run: RunFolder,
    count: Annotated[int, typer.Option("--count", "-n", "-k", min=1, help="How many rows.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Print the best results of a run of any kind, the best first.

    \b
    Examples:
    ranknosh top runs/demo-001 -n 5
    ranknosh top runs/demo-001 --json
    """
    from ranknosh.workflows import open_run

    rows = open_run(run).top(count)
    print_result(rows, rows_text(rows) if rows else "there is no result yet", as_json)


def report(
    run: RunFolder,
    open_it: Annotated[YesNo, typer.Option("--open", help="Open the report in a browser.")] = YesNo.no,
) -> None:
    """Write report.html, one offline file, into the folder of a run of any kind; of a search trials.csv as well.

    \b
    Examples:
    ranknosh report runs/demo-001
    ranknosh report runs/demo-001 --open yes
    """
    from ranknosh.workflows import open_run

    found = open_run(run)
    page = found.report()
    print(page, *([found.folder / "trials.csv"] if found.WORKFLOW == "search" else []), sep="\n", flush=True)
    if open_it is YesNo.yes:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


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
        print(f"{human_size(item.size):>10}  {item.where}  ({item.reason})")
    total = f"{plural(len(waste), 'item')}, {human_size(sum(item.size for item in waste))}"
    if not waste:
        print("nothing to remove: everything here still serves", flush=True)
    elif dry_run:
        print(f"would remove {total}", flush=True)
    elif everything and not yes and not _confirmed(total):
        print("nothing removed", flush=True)
        raise typer.Exit(USAGE)
    else:
        with locked(found.folder):  # no session begins while files go
            for item in open_run(run).waste(everything):  # one that worked until now may have left others
                item.remove()
        print(f"removed {total}", flush=True)


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
    from ranknosh.workflows import record_classes

    damage = cut(run, record_classes, dry_run)
    if damage is None:
        print_result(None, f"{run} is whole: nothing to repair", as_json)
        return
    lost = f"{plural(damage.lines, 'line')} ({human_size(damage.bytes)}) from line {damage.number} on"
    done = f"cut {lost}; the journal as it was is {damage.copy}\nnext: ranknosh resume {run}"
    done = f"would cut {lost}; everything before it stays" if dry_run else done
    print_result({**asdict(damage), "copy": str(damage.copy)}, f"line {damage.number}: {damage.why}\n{done}", as_json)
