"""``search``: a run started, and summed up when it ends."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ranknosh.cli.flags import ConfigFile, Quiet, flags_of
from ranknosh.cli.results import leaderboard
from ranknosh.cli.working import begun, leave
from ranknosh.config.screen import facts, print_json
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.config.units import human_duration, percent, plural

if TYPE_CHECKING:
    from ranknosh.workflows.search.run import SearchRun

FLAGS = {
    "name": "--name",
    "out": "--out",
    "seed": "--seed",
    "executor": "--ray [ADDRESS]",
    "track": "--track WHERE",
}
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
    if as_json:
        print_json(now)
    else:
        print(as_text(run, now), flush=True)
    leave(run, shortfall(now))


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
    board = ["", leaderboard(rows)] if rows else []
    used = f"{plural(now['epochs_spent'], 'epoch')}, {now['candidates']} candidates"
    lines = [
        ("ended", now["detail"] or now["reason"] or now["state"]),
        ("used", f"{used}, {human_duration(now['wall_seconds'])} (device {human_duration(now['device_seconds'])})"),
    ]
    best = now["best"]
    if best is not None:
        lines.append(("best", f"#{best['id']}  {best['architecture']}"))
        lines.append(("", f"validation {percent(best['validation'])}   test {percent(best['test'])} (read once)"))
    page = run.folder / "report.html"
    lines.append(("report", str(page) if page.exists() else f"none yet; ranknosh report {run.folder}"))
    return "\n".join([*board, "", facts(lines)])
