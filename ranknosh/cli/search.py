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
    named_overrides,
    ray_overrides,
    track_overrides,
)
from ranknosh.cli.outcome import say_error
from ranknosh.cli.results import leaderboard
from ranknosh.cli.screen import facts
from ranknosh.cli.working import begun
from ranknosh.config.units import human_duration, percent, plural

if TYPE_CHECKING:
    from ranknosh.workflows.search.run import SearchRun


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
    from ranknosh.config.search import SearchSettings
    from ranknosh.workflows.search.run import SearchRun

    named = named_overrides(name=name, out=out, seed=seed)
    wanted = SearchSettings.load(config, [*(settings or ()), *named, *ray_overrides(ray), *track_overrides(track)])
    run = begun(SearchRun, wanted, quiet, stem=config.stem)
    sum_up(run)


def sum_up(run: SearchRun) -> None:
    """The end of a search: leaderboard, the one test accuracy, where the report is, and how to go on."""
    now, rows = run.describe(), run.top(5)
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
