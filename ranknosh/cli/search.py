"""``search``: a run started, summed up when it ends, and its status in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.cli.flags import ConfigFile, Quiet, flags_of, named
from ranknosh.cli.working import begun, check_end, report_row
from ranknosh.config.screen import facts, print_result, rows_text
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.config.units import UNKNOWN, human_duration, percent, plural, whole

if TYPE_CHECKING:
    from ranknosh.workflows.search.run import SearchRun

FLAGS = {**named("name", "out", "seed"), "executor": "--ray [ADDRESS]", "track": "--track WHERE"}
RAISED = {"wall_time": "budget.time", "device_time": "budget.device_time", "disk": "budget.disk"}
"""The setting to raise, by the reason for which a search ended."""


@flags_of(SearchSettings, FLAGS)
def search(config: ConfigFile, given: Overrides, quiet: Quiet = False) -> None:
    """Search: train many architectures a little and few a lot; leaves a run folder with a report.

    \b
    Examples:
    ranknosh search configs/demo.yaml
    ranknosh search configs/demo.yaml --set budget.epochs=60 --set pyramid.ratio=0.3 --name try1
    ranknosh search configs/cifar10_small.yaml --set data.folder=cifar10.zip
    ranknosh search configs/demo.yaml --track tensorboard
    ranknosh search configs/demo.yaml --ray
    ranknosh search configs/demo.yaml --ray head:6379 --set executor.gpus_per_trial=0.25
    """
    from ranknosh.workflows.search.run import SearchRun

    sum_up(begun(SearchRun, SearchSettings.load(config, given), quiet, stem=config.stem))


def sum_up(run: SearchRun, as_json: bool = False) -> None:
    """The end of a search, in words or as JSON."""
    now = run.describe()
    print_result(now, as_text(run, now), as_json)
    check_end(run, shortfall(now))


def shortfall(now: Mapping[str, Any]) -> str:
    """What there is of a search that ended too early, and what to raise; ``now`` is what ``status --json`` says of it."""
    kept = "results are kept" if now["best"] else "there is no result yet"
    folder, limit = shlex.quote(now["folder"]), RAISED.get(now["reason"])
    remedy = f"see why with: ranknosh status {folder} --failures"
    if limit is not None:
        remedy = f"raise {limit}, for example: ranknosh resume {folder} --set {limit}=..."
    return f"stopped before the plan was done, {kept}: {now['detail'] or now['reason']}; {remedy}"


def as_text(run: SearchRun, now: Mapping[str, Any]) -> str:
    """Leaderboard, the one test accuracy, where the report is, and how to resume.

    ``now``: what ``status --json`` says of the run.
    """
    rows = run.top(5)
    board = ["", rows_text(rows)] if rows else []
    used = f"{plural(now['epochs_spent'], 'epoch')}, {now['candidates']} candidates"
    lines = [
        ("ended", now["detail"] or now["reason"] or now["state"]),
        ("used", f"{used}, {human_duration(now['wall_seconds'])} (device {human_duration(now['device_seconds'])})"),
        *_best_rows(now),
        report_row(run),
    ]
    return "\n".join([*board, "", facts(lines)])


def _best_rows(now: Mapping[str, Any]) -> list[tuple[str, str]]:
    best = now["best"]
    if best is None:
        return [("best", UNKNOWN)]
    tested = "not read yet" if best["test"] is None else f"{percent(best['test'])} (read once)"
    where = f"level {best['level']}, {plural(best['epochs'], 'epoch')}"
    text = f"#{best['id']}   validation {percent(best['validation'])} at {where}   test {tested}"
    return [("best", text), ("", best["architecture"])]


def status_text(now: Mapping[str, Any], run: Path) -> str:
    """What ``status`` prints, from its JSON form."""
    reason = f" ({now['detail'] or now['reason']})" if now["reason"] else ""
    limit = "" if now["epochs_limit"] is None else f" of {now['epochs_limit']}"
    wanted = "" if now["candidates_limit"] is None else f" of {now['candidates_limit']}"
    seconds = f"wall {human_duration(now['wall_seconds'])}, device {human_duration(now['device_seconds'])}"
    failures = ", ".join(f"{row['count']} {kind.replace('_', ' ')}" for kind, row in now["failures"].items())
    copies, wasted = now["second_attempts"], f"{plural(now['epochs_wasted'], 'epoch')}, not charged"
    wasted += f" ({plural(copies, 'second attempt')} beside a slow one)" if copies else ""
    left = now["state"] in ("interrupted", "stopped")
    rows = [
        ("run", str(run)),
        ("state", f"{now['state']}{reason}"),
        ("executor", now["executor_label"]),
        ("schedule", now["schedule_label"]),
        ("workers", now["workers"] and _workers_text(now)),
        ("epochs", f"{whole(now['epochs_spent'])}{limit}   {seconds}   {plural(now['sessions'], 'session')}"),
        ("candidates", f"{now['candidates']}{wanted}   {now['pending']} unfinished   {now['failed']} failed"),
        ("levels", "   ".join(f"{level}: {count}" for level, count in now["levels"].items())),
        ("failures", failures or None),
        ("", f"ranknosh status {run} --failures" if failures else None),
        ("lost work", wasted if now["epochs_wasted"] else None),
        *_best_rows(now),
        ("next", f"ranknosh resume {run}" if left else None),
    ]
    return facts(rows)


def _workers_text(now: Mapping[str, Any]) -> str:
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


def failures_text(rows: Sequence[Mapping[str, Any]]) -> str:
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
