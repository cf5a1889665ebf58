"""``search``: a run started, and summed up when it ends."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.options import (
    ConfigFile,
    Quiet,
    Ray,
    Settings,
    Track,
    command_line,
    named_overrides,
    ray_overrides,
    track_overrides,
)
from ranknosh.cli.outcome import INTERRUPTED, say_error
from ranknosh.cli.results import leaderboard
from ranknosh.cli.screen import facts, percent, plural
from ranknosh.config.units import human_duration

if TYPE_CHECKING:
    from ranknosh.cli.live import Progress
    from ranknosh.workflows.search.run import Run


def search(
    config: ConfigFile,
    settings: Settings = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run folder; default: config file and number.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Where run folders are made.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the run.")] = None,
    ray: Ray = None,
    track: Track = None,
    quiet: Quiet = False,
) -> None:
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
    from ranknosh.cli.live import make_progress
    from ranknosh.config.search import load_config
    from ranknosh.workflows.search.run import start_run

    named = named_overrides(name=name, out=out, seed=seed)
    wanted = load_config(config, [*(settings or ()), *named, *ray_overrides(ray), *track_overrides(track)])
    progress = make_progress(wanted, quiet)
    try:
        with progress:
            run = start_run(wanted, command=command_line(), stem=config.stem, listener=progress)
    except KeyboardInterrupt:
        interrupted(progress)
    sum_up(run)


def interrupted(progress: Progress) -> None:
    if progress.folder is None:
        say_error("interrupted before the search began; nothing was written")
    else:
        say_error(f"interrupted; everything is saved. Go on with: ranknosh resume {shlex.quote(str(progress.folder))}")
    raise typer.Exit(INTERRUPTED)


def sum_up(run: Run) -> None:
    """The end of a search: leaderboard, the one test accuracy, where the report is, and how to go on."""
    from ranknosh.report import RunView, status_dict, top_rows

    view = RunView.load(run.folder)
    now = status_dict(view)
    rows = top_rows(view, 5)
    print()
    if rows:
        print(leaderboard(rows))
        print()
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
    print(facts(lines), flush=True)
    if run.exit_code:
        say_error(
            f"stopped before the plan was done, results are kept: {now['detail'] or now['reason']}. "
            f"Raise the limit to go on, for example: ranknosh resume {shlex.quote(str(run.folder))} --set budget.time=..."
        )
        raise typer.Exit(run.exit_code)
