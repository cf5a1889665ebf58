"""``status``, ``top``, ``report`` and ``repair``: verbs that read a run of any kind; only ``repair`` changes its journal."""

from __future__ import annotations

import time
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ranknosh.cli.flags import AsJson
from ranknosh.config.screen import facts, print_json, table
from ranknosh.config.units import UNKNOWN, human_count, human_duration, human_size, percent, plural, whole
from ranknosh.errors import ConfigError

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo-001.", show_default=False)
]


class YesNo(str, Enum):
    yes = "yes"
    no = "no"


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
        _listing(run, decisions, as_json)
        return
    while True:
        now = open_run(run).describe()
        print_json(now) if as_json else print(described(now, run), flush=True)
        if watch is None or now["state"] != "running":
            return
        time.sleep(watch)


def _listing(run: Path, decisions: bool, as_json: bool) -> None:
    from ranknosh.report.tables import decision_lines
    from ranknosh.report.workers import failure_rows
    from ranknosh.workflows.search.run import SearchRun

    view = SearchRun.read(run).view
    if decisions:
        lines = decision_lines(view)
        print_json(lines) if as_json else print("\n".join(lines), flush=True)
    else:
        rows = failure_rows(view)
        print_json(rows) if as_json else print(failures_text(rows), flush=True)


def described(now: dict[str, Any], run: Path) -> str:
    """Where a run is, as aligned text, from its JSON form."""
    if now["workflow"] == "search":
        return status_text(now, run)
    rows = [
        (name.replace("_", " "), text) for name, value in now.items() if (text := _value_text(name, value)) is not None
    ]
    if now["state"] == "interrupted":
        rows.append(("next", f"ranknosh resume {run}"))
    return facts(rows)


def _value_text(name: str, value: Any) -> str | None:
    """A value of ``status --json`` for people; None for what has no short form."""
    if value is None or isinstance(value, (dict, list)):
        return None
    if name.endswith("seconds"):
        return human_duration(value)
    if name.endswith("accuracy"):
        return percent(value)
    return str(value)


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

    found = open_run(run)
    rows = found.top(count)
    if as_json:
        print_json(rows)
    elif not rows:
        print("there is no result yet", flush=True)
    else:
        print(leaderboard(rows) if found.WORKFLOW == "search" else _rows_text(rows), flush=True)


def _rows_text(rows: list[dict[str, Any]]) -> str:
    names = [name for name in rows[0] if not isinstance(rows[0][name], (dict, list))]
    cells = [[UNKNOWN if row[name] is None else _value_text(name, row[name]) or "" for name in names] for row in rows]
    return table([name.replace("_", " ") for name in names], cells)


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

    from ranknosh.runs.repair import find_damage
    from ranknosh.runs.repair import repair as cut
    from ranknosh.workflows import record_classes

    damage = find_damage(run, record_classes) if dry_run else cut(run, record_classes)
    if as_json:
        print_json(None if damage is None else {**asdict(damage), "copy": str(damage.copy)})
    elif damage is None:
        print(f"{run} is whole: nothing to repair", flush=True)
    else:
        lost = f"{plural(damage.lines, 'line')} ({human_size(damage.bytes)}) from line {damage.number} on"
        print(f"line {damage.number}: {damage.why}", flush=True)
        if dry_run:
            print(f"would cut {lost}; everything before it stays", flush=True)
        else:
            print(f"cut {lost}; the journal as it was is {damage.copy}\nnext: ranknosh resume {run}", flush=True)


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


def leaderboard(rows: list[dict[str, Any]]) -> str:
    """The rows of ``top`` as an aligned table."""
    named = next((row["ranked_by"] for row in rows if "ranked_by" in row), None)
    cells = [
        [
            str(place),
            f"#{row['id']}",
            str(row["level"]),
            str(row["epochs"]),
            *([] if named is None else ["n/a" if row["metric"] is None else f"{row['metric']:.4f}"]),
            percent(row["validation"]),
            human_count(row["params"]),
            human_count(row["macs"]),
            row["architecture"],
        ]
        for place, row in enumerate(rows, 1)
    ]
    head = ["", "id", "level", "epochs", *([] if named is None else [named]), "validation", "params", "MACs"]
    return table([*head, "architecture"], cells, "r" * len(head) + " ")


def status_text(now: dict[str, Any], run: Path) -> str:
    """What ``status`` prints, from its JSON form."""
    reason = f" ({now['detail'] or now['reason']})" if now["reason"] else ""
    limit = "" if now["epochs_limit"] is None else f" of {now['epochs_limit']}"
    wanted = "" if now["candidates_limit"] is None else f" of {now['candidates_limit']}"
    seconds = f"wall {human_duration(now['wall_seconds'])}, device {human_duration(now['device_seconds'])}"
    setup = (
        ("executor", now["executor_label"]),
        ("schedule", now["schedule_label"]),
        ("workers", now["workers"] and _workers_text(now)),
    )
    rows = [
        ("run", str(run)),
        ("state", f"{now['state']}{reason}"),
        *((label, text) for label, text in setup if text is not None),
        ("epochs", f"{whole(now['epochs_spent'])}{limit}   {seconds}   {plural(now['sessions'], 'session')}"),
        ("candidates", f"{now['candidates']}{wanted}   {now['pending']} unfinished   {now['failed']} failed"),
        ("levels", "   ".join(f"{level}: {count}" for level, count in now["levels"].items())),
    ]
    if now["failures"]:
        rows.append(
            ("failures", ", ".join(f"{row['count']} {kind.replace('_', ' ')}" for kind, row in now["failures"].items()))
        )
        rows.append(("", f"ranknosh status {run} --failures"))
    if now["epochs_wasted"]:
        copies = now["second_attempts"]
        second = f" ({plural(copies, 'second attempt')} beside a slow one)" if copies else ""
        rows.append(("lost work", f"{plural(now['epochs_wasted'], 'epoch')}, not charged{second}"))
    best = now["best"]
    if best is None:
        rows.append(("best", UNKNOWN))
    else:
        tested = "not read yet" if best["test"] is None else percent(best["test"])
        where = f"level {best['level']}, {plural(best['epochs'], 'epoch')}"
        rows.append(("best", f"#{best['id']}   validation {percent(best['validation'])} at {where}   test {tested}"))
        rows.append(("", best["architecture"]))
    if now["state"] in ("interrupted", "stopped"):
        rows.append(("next", f"ranknosh resume {run}"))
    return facts(rows)


def _workers_text(now: dict[str, Any]) -> str:
    """``3 now (2 to 4)   busy 87 % of this session, 84 % of all sessions``."""
    workers = now["workers"]
    count = f"{workers['now']} now" if now["state"] == "running" else f"{workers['last']} at the end"
    spread = "" if workers["fewest"] == workers["most"] else f" ({workers['fewest']} to {workers['most']})"
    if workers["utilisation"] is None:
        return f"{count}{spread}"
    busy = f"busy {100 * workers['utilisation']:.0f} % of the time"
    if now["sessions"] > 1 and workers["utilisation_all_sessions"] is not None:
        busy += f" in the last session, {100 * workers['utilisation_all_sessions']:.0f} % in all"
    return f"{count}{spread}   {busy}"


def failures_text(rows: list[dict[str, Any]]) -> str:
    """What ``status --failures`` prints: a line a failure, its message and traceback indented below."""
    from ranknosh.report.workers import OUTCOMES

    blocks = []
    for row in rows:
        seed = f" (seed {row['replica']})" if row["replica"] else ""
        where = f"#{row['candidate']}{seed} level {row['level']} attempt {row['attempt']}"
        lost = f"{plural(row['epochs'], 'epoch')}, {human_duration(row['seconds'])}"
        kind = row["kind"].replace("_", " ")
        lines = [f"{where}: {kind}, {OUTCOMES[row['final']]}   {lost}"]
        lines += [f"    {line}" for line in (row["message"].strip() or "no message").splitlines()]
        lines += [f"      {line}".rstrip() for line in (row["traceback"] or "").rstrip().splitlines()]
        blocks.append("\n".join(lines))
    return "\n".join(blocks) if blocks else "no training failed"
