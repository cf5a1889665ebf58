"""``supernet``: a one-shot search by one of the differentiable methods, started, gone on with, and summed up."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.options import Quiet
from ranknosh.cli.outcome import CAPPED, INTERRUPTED, say_error
from ranknosh.cli.screen import facts, print_json
from ranknosh.config.units import human_duration, human_size, percent, plural
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.cli.supernet_progress import SupernetProgress
    from ranknosh.workflows.supernet import SupernetOutcome

LIST = "list"


def supernet(
    method: Annotated[
        str | None,
        typer.Argument(
            metavar="METHOD", help="Such as darts, ostr_darts or darts_pt; 'list' shows all.", show_default=False
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option("--space", help="nasbench201, darts, darts_without_none, or s1 to s4; default: nasbench201."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Images: a name, an image folder or archive, or an npz file; default: cluttered_digits.",
        ),
    ] = None,
    channels: Annotated[
        int | None, typer.Option("--channels", min=1, help="Channels of the first cells; default: as published, 16.")
    ] = None,
    cells: Annotated[
        int | None,
        typer.Option(
            "--cells", min=1, help="Cells in a stage (nasbench201) or in all (darts); default: as published, 5 and 8."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Of the whole search; default: as published.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="DURATION",
            help="Such as 10m. Chooses the epochs so that the schedule ends with it; with --epochs it cuts them off.",
        ),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="An option of the method, such as patience=0; repeat it."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, such as recipe.batch=128; repeat it."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of weights, alphas and order; default: 0.")] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, or auto for cuda where there is one; default: auto.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Of the CPU; only equal threads give equal bits; default: 1.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run folder; default: method and number.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Where run folders are made; default: runs/.")] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE.npz", help="True accuracies to show beside every epoch's cell."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Go on with the search of a run folder.")
    ] = None,
    list_methods: Annotated[
        bool, typer.Option("--list", help="List the methods with what they are made of and their papers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Search a cell by training one network that holds every operation; leaves a run folder with genotype and report.

    \b
    Examples:
    ranknosh supernet list
    ranknosh supernet darts --data digits --channels 8 --cells 1 --epochs 10
    ranknosh supernet darts --data cifar10.zip --set data.train_limit=10000 --channels 8 --cells 1 --time 30m
    ranknosh supernet ostr_darts --space darts --data cifar10 --seed 3 --name ostr3
    ranknosh supernet ostr_darts --option patience=0 --set recipe.batch=128 --table nasbench201.npz --json
    ranknosh supernet --resume runs/ostr3
    """
    if list_methods or method == LIST:
        _list(as_json)
        return
    given = {
        "space": space,
        "network.channels": channels,
        "network.cells": cells,
        "budget.epochs": epochs,
        "budget.time": time,
        "seed": seed,
        "train.device": device,
        "train.threads": threads,
        "name": name,
        "out": out,
        "table": None if table is None else str(table),
    }
    words = [*(settings or ()), *(f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None)]
    if resume is not None:
        if method is not None or data is not None or options:
            raise ConfigError(
                f"--resume {resume} goes on with the method, options and images that it began with; leave METHOD, --option and "
                "--data out"
            )
        _finish(lambda progress, stop: _resumed(resume, words, progress, stop), quiet, as_json, resume)
        return
    if method is None:
        raise ConfigError(
            "no method is named; give one, such as darts ('ranknosh supernet list' shows all), or --resume"
        )
    chosen = method
    _finish(lambda progress, stop: _started(chosen, data, options, words, progress, stop), quiet, as_json, None)


def _started(
    method: str, data: str | None, options: list[str] | None, words: list[str], progress: SupernetProgress, stop: Any
) -> SupernetOutcome:
    from ranknosh.cli.supernet_request import option_settings, source_setting
    from ranknosh.workflows.supernet.api import start
    from ranknosh.workflows.supernet.settings import SupernetConfig
    from ranknosh.workflows.supernet.sitting import Watch

    all_words = [f"method.name={json.dumps(method)}", *option_settings(options or ())]
    all_words += [] if data is None else [source_setting(data)]
    config = SupernetConfig().replace([*all_words, *words])
    return start(config, watch=Watch(progress, stop), command=_command())


def _resumed(folder: Path, words: list[str], progress: SupernetProgress, stop: Any) -> SupernetOutcome:
    from ranknosh.workflows.supernet.api import resume_supernet

    return resume_supernet(folder, tuple(words), listener=progress, stop=stop, command=_command())


def resume_folder(folder: Path, settings: list[str], quiet: bool) -> None:
    """What ``ranknosh resume`` does with the folder of a supernet search."""
    _finish(lambda progress, stop: _resumed(folder, settings, progress, stop), quiet, False, folder)


def _finish(search: Any, quiet: bool, as_json: bool, folder: Path | None) -> None:
    from ranknosh.cli.supernet_progress import make_supernet_progress
    from ranknosh.runs.stop import StopRequest

    progress = make_supernet_progress(quiet or as_json)
    progress.folder = folder
    request = StopRequest()
    try:
        with progress, request.on_signals(lambda event: progress.on_message(getattr(event, "text", ""))):
            outcome = search(progress, lambda: request.requested)
    except KeyboardInterrupt:
        _interrupted(progress.folder)
    if as_json:
        print_json(outcome.summary())
    else:
        print(as_text(outcome), flush=True)
    if outcome.capped:
        say_error(f"stopped before all epochs were done, the cell derived so far is kept: {outcome.ended}")
        raise typer.Exit(CAPPED)


def _interrupted(folder: Path | None) -> None:
    if folder is None:
        say_error("interrupted before the search began; nothing was written")
    else:
        again = f"ranknosh supernet --resume {shlex.quote(str(folder))}"
        say_error(f"interrupted; everything up to the last saved epoch is kept. Go on with: {again}")
    raise typer.Exit(INTERRUPTED)


def _command() -> str:
    return shlex.join(["ranknosh", *sys.argv[1:]])


def as_text(outcome: SupernetOutcome) -> str:
    """The end of a search: what was found at what cost, and where it is."""
    memory = ", ".join(f"{name} {human_size(size)}" for name, size in outcome.peak_memory.items())
    rows = [
        ("found", outcome.text),
        ("", f"{plural(outcome.skips, 'skip connection')}"),
        ("method", f"{outcome.method}: {outcome.composition}"),
        ("ended", outcome.ended),
        (
            "used",
            f"{plural(outcome.epochs, 'epoch')}, device {human_duration(outcome.device_seconds)}, wall "
            f"{human_duration(outcome.wall_seconds)}, peak memory: {memory}",
        ),
    ]
    if outcome.true_accuracy is not None:
        rows.insert(
            2, ("", f"true accuracy {percent(outcome.true_accuracy)} (by the table; the search did not see it)")
        )
    page = outcome.folder / "report.html"
    rows.append(("genotype", str(outcome.folder / "best" / "genotype.txt")))
    if page.exists():
        rows.append(("report", str(page)))
    return facts(rows)


def _list(as_json: bool) -> None:
    from supernet.methods import METHODS

    rows = [(name, factory()) for name, factory in METHODS.items()]
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "title": method.name,
                    "source": method.source,
                    "epochs": method.epochs,
                    "composition": method.composition(),
                }
                for name, method in rows
            ]
        )
        return
    lines = []
    for name, method in rows:
        lines += [(name, f"{method.name} ({method.source})"), ("", method.composition())]
    print(facts(lines), flush=True)
