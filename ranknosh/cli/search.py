"""``search`` and ``resume``: a run started, continued, and summed up when it ends."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.outcome import INTERRUPTED, say_error
from ranknosh.cli.results import RunFolder, leaderboard
from ranknosh.cli.screen import facts, percent, plural
from ranknosh.config.units import human_duration
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.cli.live import Progress
    from ranknosh.workflows.search.run import Run

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="A YAML config; 'ranknosh init' writes one.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, such as budget.epochs=60; may be repeated."),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Run on Ray: alone for a cluster of its own on this machine, 'auto' for the one that runs here, or host:port.",
    ),
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track", metavar="WHERE", help="Mirror the search to 'tensorboard' or 'mlflow=URI'; may be repeated."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary only.")]


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
            run = start_run(wanted, command=_command(), stem=config.stem, listener=progress)
    except KeyboardInterrupt:
        _interrupted(progress)
    _sum_up(run)


def resume(
    run: RunFolder, settings: Settings = None, ray: Ray = None, track: Track = None, quiet: Quiet = False
) -> None:
    """Go on with a search that was interrupted or stopped by a limit; limits may be raised, and it may move to other workers.

    A supernet's search goes on as well.

    \b
    Examples:
    ranknosh resume runs/demo-001
    ranknosh resume runs/demo-001 --set budget.epochs=200
    ranknosh resume runs/demo-001 --ray auto
    ranknosh resume runs/demo-001 --set executor.name=inline
    """
    from ranknosh.workflows.supernet.journal import is_supernet

    if is_supernet(run):
        from ranknosh.cli.supernet import resume_folder

        resume_folder(run, list(settings or ()), quiet)
        return
    from ranknosh.cli.live import make_progress
    from ranknosh.report import RunView
    from ranknosh.workflows.search.run import open_run

    found = open_run(run)
    progress = make_progress(found.config, quiet, run, RunView.load(run).wall_seconds)
    try:
        with progress:
            ended = found.resume(
                [*(settings or ()), *ray_overrides(ray), *track_overrides(track)], command=_command(), listener=progress
            )
    except KeyboardInterrupt:
        _interrupted(progress)
    if len(ended.pool.sessions) == len(found.pool.sessions):
        print(f"{run} has ended; to go on, raise a limit: ranknosh resume {run} --set budget.epochs=...", flush=True)
    _sum_up(ended)


def named_overrides(**values: str | int | None) -> list[str]:
    """``--name``, ``--out`` and ``--seed`` in the form of ``--set``; they win over it."""
    return [f"{key}={json.dumps(value)}" for key, value in values.items() if value is not None]


def ray_overrides(address: str | None) -> list[str]:
    """``--ray`` in the form of ``--set``."""
    return [] if address is None else ["executor.name=ray", f"executor.address={json.dumps(address)}"]


def track_overrides(places: list[str] | None) -> list[str]:
    """``--track`` in the form of ``--set``. Raises ConfigError for a place nobody knows."""
    found = []
    for place in places or ():
        name, _, uri = place.partition("=")
        if place == "tensorboard":
            found.append("track.tensorboard=true")
        elif name == "mlflow" and uri:
            found.append(f"track.mlflow={json.dumps(uri)}")
        else:
            raise ConfigError(f"--track {place}: give tensorboard, or mlflow=URI such as mlflow=sqlite:///mlflow.db")
    return found


def _command() -> str:
    return shlex.join(["ranknosh", *sys.argv[1:]])


def _interrupted(progress: Progress) -> None:
    if progress.folder is None:
        say_error("interrupted before the search began; nothing was written")
    else:
        say_error(f"interrupted; everything is saved. Go on with: ranknosh resume {shlex.quote(str(progress.folder))}")
    raise typer.Exit(INTERRUPTED)


def _sum_up(run: Run) -> None:
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
