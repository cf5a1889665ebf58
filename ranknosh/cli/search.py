"""``search``: a run started, summed up when it ends, and its status in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.cli.configs import settings_of, stem_of
from ranknosh.cli.flags import ConfigFile, Quiet, flags_of, named
from ranknosh.cli.working import begun, check_end, report_row
from ranknosh.config.screen import facts, print_result, rows_text
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Overrides
from ranknosh.config.units import (
    UNKNOWN,
    Quantity,
    duration_text,
    human_duration,
    metrics_text,
    plural,
    size_text,
    whole,
)
from ranknosh.core.records import PLAIN
from ranknosh.errors import to_type
from ranknosh.report.beside import beside_text
from ranknosh.report.words import signal_text, track_record

if TYPE_CHECKING:
    from ranknosh.config.sections import BudgetConfig
    from ranknosh.workflows.search.run import SearchRun

FLAGS = {
    **named("name", "out", "seed"),
    "budget": "--budget",
    "predictor.name": "--predictor",
    "executor": "--ray [ADDRESS]",
    "track": "--track WHERE",
}
MOST_RETRAINED, RETRAINED_SEEDS = 3, 3
"""Candidates and seeds of the command that a summary ends with."""
MOST_NAMED = 8
"""Candidates of a front that ``status`` names."""
RAISED = {
    "wall_time": ("time", duration_text),
    "device_time": ("device_time", duration_text),
    "disk": ("disk", size_text),
}
"""The limit to raise and how it is written, by the reason for which a search ended."""


@flags_of(SearchSettings, FLAGS)
def search(config: ConfigFile, given: Overrides, quiet: Quiet = False) -> None:
    """Search: train many architectures a little and few a lot; leaves a run folder with a report.

    Data in place of a config are searched by what 'ranknosh init' suggests for them, each choice said with its reason.

    \b
    Examples:
    ranknosh search photos/ --budget 6m --name pets
    ranknosh search pictures.zip --budget 2gpuh
    ranknosh search my_data:rows --budget 190 --set space.name=mlp
    ranknosh search configs/demo.yaml
    ranknosh search configs/demo.yaml --set budget.epochs=60 --set pyramid.ratio=0.3 --name try1
    ranknosh search configs/cifar10_small.yaml --set data.folder=cifar10.zip
    ranknosh search configs/demo.yaml --track tensorboard
    ranknosh search configs/demo.yaml --ray
    ranknosh search configs/demo.yaml --ray head:6379 --set executor.gpus_per_trial=0.25
    """
    from ranknosh.workflows.search.run import SearchRun

    sum_up(begun(SearchRun, settings_of(SearchSettings, config, given, quiet), quiet, stem=stem_of(config)))


def sum_up(run: SearchRun, as_json: bool = False) -> None:
    """The end of a search, in words or as JSON."""
    now = run.describe()
    print_result(now, as_text(run, now), as_json)
    check_end(run, shortfall(now, run.settings.budget))


def shortfall(now: Mapping[str, Any], budget: BudgetConfig) -> str:
    """What there is of a search that ended too early, and a command that goes on.

    Args:
        now: what ``status --json`` says of it.
        budget: of the search; a limit that ended it is doubled.
    """
    kept = "results are kept" if now["best"] else "there is no result yet"
    remedy = f"see why with: {to_type('status', now['folder'], '--failures')}"
    if now["reason"] in RAISED:
        remedy = f"raise budget.{RAISED[now['reason']][0]}, for example: {_going_on(now, budget)}"
    return f"stopped before the plan was done, {kept}: {now['detail'] or now['reason']}; {remedy}"


def _going_on(now: Mapping[str, Any], budget: BudgetConfig) -> str:
    """The command that goes on with a search, which doubles the limit that ended it."""
    more: tuple[str, ...] = ()
    if now["reason"] in RAISED:
        name, written = RAISED[now["reason"]]
        more = ("--set", f"budget.{name}={written(2 * getattr(budget, name))}")
    return to_type("resume", now["folder"], *more)


def as_text(run: SearchRun, now: Mapping[str, Any]) -> str:
    """Leaderboard, the one test accuracy, where the report is, and how to resume.

    ``now``: what ``status --json`` says of the run.
    """
    rows = run.top(5)
    board = ["", rows_text(rows, run.quantities)] if rows else []
    used = f"{plural(now['epochs_spent'], 'epoch')}, {plural(now['candidates'], 'candidate')}"
    lines: list[tuple[str, str | None]] = [
        ("state" if now["state"] == "waiting" else "ended", now["detail"] or now["reason"] or now["state"]),
        ("used", f"{used}, {human_duration(now['wall_seconds'])} (device {human_duration(now['device_seconds'])})"),
        *_best_rows(now, run.quantities),
        ("ranked by", _signals_text(now)),
        ("predictor", _predictor_text(now)),
        report_row(run),
        *_next_rows(run, now),
    ]
    return "\n".join([*board, "", facts(lines)])


def _next_rows(run: SearchRun, now: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """The commands that one types next: those that make a finished model of the best candidate, where it is a network of ours."""
    if now["state"] == "waiting":
        return [("next", to_type("ask", now["folder"]))]
    if now["best"] is None or now["own_training"]:
        return []
    epochs, planned = now["best"]["epochs"], run.settings.pyramid.epochs[-1]
    paused = f"; #{now['best']['id']} was trained {epochs} of {planned} epochs" if epochs < planned else ""
    return [
        ("next", f"{_retraining(run, now)}{paused}"),
        ("", f"{to_type('export', now['folder'])}   takes it home as it is: model.py, weights, a card"),
        *([("", f"{_going_on(now, run.settings.budget)}   searches on")] if now["reason"] in RAISED else []),
    ]


def _retraining(run: SearchRun, now: Mapping[str, Any]) -> str:
    """The command that trains the best few in full and keeps one, and what it does."""
    several = len(now["front"]) or sum(candidate.level == run.best.level for candidate in run.leaderboard() if run.best)
    top = ("--top", min(several, MOST_RETRAINED)) if several > 1 else ()
    command = to_type("retrain", now["folder"], "--preset", "small", *top, "--seeds", RETRAINED_SEEDS)
    return f"{command}   trains {'the best' if top else 'it'} to the end and picks one"


def _signals_text(now: Mapping[str, Any]) -> str | None:
    """By what levels were ranked, where that is not the validation metric everywhere."""
    rows = [row for row in now["signals"] if row["signal"] != PLAIN]
    return "; ".join(signal_text(**row) for row in rows) or None


def _predictor_text(now: Mapping[str, Any]) -> str | None:
    """Whether the predictor's predictions were better than chance, and how often it was used; None before its first batch."""
    found = now["predictor"]
    if found is None:
        return None
    better = {None: "", True: "better than chance in this run, ", False: "no better than chance in this run, "}
    record = better[found["better"]] + track_record(found["tau"], found["compared"])
    return f"{found['name']}: {record}; used for {found['used']} of {plural(found['batches'], 'batch', 'batches')}"


def _best_rows(now: Mapping[str, Any], quantities: Mapping[str, Quantity]) -> list[tuple[str, str]]:
    best = now["best"]
    if best is None:
        return [("best", UNKNOWN)]
    where = f"level {best['level']}, {plural(best['epochs'], 'epoch')}"
    text = f"#{best['id']} by {now['ranked_by']}   validation {metrics_text(best['metrics'], quantities)} at {where}"
    if not now["own_training"]:  # which has no test data that the search knows
        tested = "not read yet" if best["test"] is None else f"{metrics_text(best['test'], quantities)} (read once)"
        text += f"   test {tested}"
    return [("best", text), ("", best["architecture"]), *_promising_rows(now), *stock_rows(now, quantities)]


def _promising_rows(now: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of whom more is expected than of the best, which was only trained further; nothing where that is nobody."""
    one = now["promising"]
    if one is None:
        return []
    where = f"level {one['level']}, {plural(one['epochs'], 'epoch')}"
    return [
        ("promising", f"#{one['id']}, at {where}, is expected to be better once it is trained as far"),
        ("", one["architecture"]),
    ]


def stock_rows(now: Mapping[str, Any], quantities: Mapping[str, Quantity]) -> list[tuple[str, str]]:
    """The stock network beside the best, with its test; nothing where there is none."""
    stock = now["stock"]
    if stock is None:
        return []
    tested = f"   test {metrics_text(stock['test'], quantities)} (read once)" if stock["test"] else ""
    return [("worth it?", beside_text(now["best"], stock, quantities) + tested)]


def status_text(now: Mapping[str, Any], run: Path, quantities: Mapping[str, Quantity], budget: BudgetConfig) -> str:
    """What ``status`` prints.

    Args:
        now: its JSON form.
        run: the folder.
        quantities: the metrics of the run's task.
        budget: of the search.
    """
    reason = f" ({now['detail'] or now['reason']})" if now["reason"] else ""
    limit = "" if now["epochs_limit"] is None else f" of {now['epochs_limit']}"
    wanted = "" if now["candidates_limit"] is None else f" of {now['candidates_limit']}"
    seconds = f"wall {human_duration(now['wall_seconds'])}, device {human_duration(now['device_seconds'])}"
    failures = ", ".join(f"{row['count']} {kind.replace('_', ' ')}" for kind, row in now["failures"].items())
    copies, wasted = now["second_attempts"], f"{plural(now['epochs_wasted'], 'epoch')}, not charged"
    wasted += f" ({plural(copies, 'second attempt')} beside a slow one)" if copies else ""
    left = now["state"] in ("interrupted", "stopped", "waiting")
    rows = [
        ("run", str(run)),
        ("state", f"{now['state']}{reason}"),
        ("executor", now["executor_label"]),
        ("schedule", now["schedule_label"]),
        ("workers", now["workers"] and _workers_text(now)),
        ("epochs", f"{whole(now['epochs_spent'])}{limit}   {seconds}   {plural(now['sessions'], 'session')}"),
        ("left", f"about {human_duration(now['seconds_left'])}" if now["seconds_left"] else None),
        ("candidates", f"{now['candidates']}{wanted}   {now['pending']} unfinished   {now['failed']} failed"),
        ("levels", "   ".join(f"{level}: {count}" for level, count in now["levels"].items())),
        ("front", _front_text(now, run) if now["front"] else None),
        ("failures", failures or None),
        ("", to_type("status", run, "--failures") if failures else None),
        ("lost work", wasted if now["epochs_wasted"] else None),
        *_best_rows(now, quantities),
        ("ranked by", _signals_text(now)),
        ("predictor", _predictor_text(now)),
        ("next", (to_type("ask", run) if now["state"] == "waiting" else _going_on(now, budget)) if left else None),
    ]
    return facts(rows)


def _front_text(now: Mapping[str, Any], run: Path) -> str:
    """``12 candidates: #3, #7, ...   ranknosh top runs/demo -n 12``."""
    front, of = now["front"], " and ".join([", ".join(now["objectives"][:-1]), *now["objectives"][-1:]])
    named = ", ".join(f"#{number}" for number in front[:MOST_NAMED]) + (", ..." if len(front) > MOST_NAMED else "")
    return f"{plural(len(front), 'candidate')} by {of}: {named}   {to_type('top', run, '-n', len(front))}"


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
