"""``supernet``: a one-shot search by one of the differentiable methods, started, and summed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.options import Quiet
from ranknosh.cli.outcome import say_error
from ranknosh.cli.working import begun
from ranknosh.config.screen import facts, print_json
from ranknosh.config.source import parse_value
from ranknosh.config.units import human_duration, human_size, percent, plural
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.config.supernet import SupernetSettings
    from ranknosh.workflows.supernet.run import SupernetRun

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
    ranknosh resume runs/ostr3
    """
    if list_methods or method == LIST:
        _list(as_json)
        return
    if method is None:
        raise ConfigError("no method is named; give one, such as darts ('ranknosh supernet list' shows all)")
    flags = {
        "method.name": method,
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
    wanted = _settings({name: value for name, value in flags.items() if value is not None}, data, options, settings)
    from ranknosh.workflows.supernet.run import SupernetRun

    sum_up(begun(SupernetRun, wanted, quiet), as_json)


def _settings(
    flags: Mapping[str, Any], data: str | None, options: Sequence[str] | None, overrides: Sequence[str] | None
) -> SupernetSettings:
    """The settings of a command line; flags win over ``--set``.

    Args:
        flags: by the names of their settings.
        data: of ``--data``.
        options: of ``--option``.
        overrides: of ``--set``.
    """
    from ranknosh.config.settings import apply_overrides, with_changes
    from ranknosh.config.supernet import SupernetSettings

    plain, given = apply_overrides(SupernetSettings().to_dict(), overrides or ())
    plain = with_changes(plain, flags)
    plain["method"]["options"] = {**plain["method"]["options"], **dict(_option(text) for text in options or ())}
    if data is not None:
        from ranknosh.config.sections import SOURCES
        from ranknosh.data.catalog import source_section

        kept = {name: value for name, value in plain["data"].items() if name not in (*SOURCES, "options")}
        plain["data"] = {**kept, **source_section(data)}
    return SupernetSettings.from_dict(plain, "the command line", given)


def _option(text: str) -> tuple[str, Any]:
    """Name and value of ``--option``; whether the method takes it is checked later. Raises ConfigError."""
    name, equals, raw = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ConfigError(f"--option {text}: it has the form NAME=VALUE; write for example --option patience=0")
    try:
        return name.strip(), parse_value(raw)
    except ValueError as error:
        raise ConfigError(f"--option {text}: the value is {error}") from error


def sum_up(run: SupernetRun, as_json: bool = False) -> None:
    """The end of a search: what was found at what cost, and where it is; exit with the run's code where time cut it off."""
    if as_json:
        print_json({**run.status(), "folder": str(run.folder)})
    else:
        print(as_text(run), flush=True)
    if run.exit_code:
        say_error(f"stopped before all epochs were done, the cell derived so far is kept: {run.reason}")
        raise typer.Exit(run.exit_code)


def as_text(run: SupernetRun) -> str:
    """What :func:`sum_up` prints."""
    now = run.status()
    memory = ", ".join(f"{name} {human_size(size)}" for name, size in now["peak_memory"].items())
    rows = [
        ("found", now["architecture"]),
        ("", plural(now["skips"], "skip connection")),
        ("method", f"{now['method']}: {now['composition']}"),
        ("ended", now["ended"]),
        (
            "used",
            f"{plural(now['epochs'], 'epoch')}, device {human_duration(now['device_seconds'])}, wall "
            f"{human_duration(now['wall_seconds'])}, peak memory: {memory}",
        ),
    ]
    if now["true_accuracy"] is not None:
        truth = f"true accuracy {percent(now['true_accuracy'])} (by the table; the search did not see it)"
        rows.insert(2, ("", truth))
    page = run.folder / "report.html"
    rows.append(("genotype", str(run.folder / "best" / "genotype.txt")))
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
