"""``compare``: search methods under one budget of device time, their finds trained by one recipe, and one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.options import Quiet, Settings, named_overrides
from ranknosh.cli.outcome import say_error
from ranknosh.cli.working import begun
from ranknosh.config.screen import print_json
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.workflows.compare.run import CompareRun


def compare(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A search config.", show_default=False)],
    methods: Annotated[
        str | None,
        typer.Option("--methods", help="Names with commas between; random is always added. Default: ranknosh,random."),
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Searches of each method; default: 3.")] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="Device time of every search, such as 10m.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--table", metavar="FILE.npz", help="Finished trainings, for the true accuracy of finds."),
    ] = None,
    settings: Settings = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the folder; default: config file, 'compare' and number.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="Where folders are made.")] = None,
    final_epochs: Annotated[
        int | None,
        typer.Option(
            "--final-epochs", min=1, help="Epochs of the final training; default: the last of pyramid.epochs."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare search methods: same space, images and final recipe, equal device seconds, random search always among them.

    A search pays for everything that it needs: train-free scores, predictor, supernet, failures. What it finds is trained from
    scratch, judged on validation and read on test once. Leaves table.md, results.json and report.html beside a folder a method.

    \b
    Examples:
    ranknosh compare configs/demo.yaml --budget 2m
    ranknosh compare configs/demo.yaml --methods ranknosh,darts,darts_minus --seeds 3 --budget 2m
    ranknosh compare search.yaml --budget 1h --table nasbench201.npz --final-epochs 50 --name fair
    ranknosh resume runs/fair
    ranknosh resume runs/fair --set seeds=5 --set methods=[ranknosh,darts]
    """
    from ranknosh.config.compare import CompareSettings
    from ranknosh.workflows.compare.run import CompareRun

    if config.is_dir():
        raise ConfigError(
            f"{config} is a folder; continue the comparison in it with `ranknosh resume {config}`, or give a config file for a "
            "new one"
        )
    flags = {
        "methods": methods,
        "seeds": seeds,
        "budget.device_time": budget,
        "table": None if table is None else str(table),
        "final_epochs": final_epochs,
        "name": name,
        "out": out,
    }
    wanted = CompareSettings.load(config, [*(settings or ()), *named_overrides(**flags)])
    sum_up(begun(CompareRun, wanted, quiet, stem=f"{config.stem}-compare"), as_json)


def sum_up(run: CompareRun, as_json: bool = False) -> None:
    """The end of a comparison: its table, and where the report is; exit code 5 where no method has a result."""
    from ranknosh.workflows.compare.text import terminal

    if as_json:
        print_json(run.results())
    else:
        page = run.folder / "report.html"
        print(terminal(run.rows, run.settings.budget_seconds, run.settings.whole_epochs))
        print(f"\nreport  {page if page.exists() else 'none'}", flush=True)
    if run.exit_code:
        say_error("no search found anything that could be trained; the notes above say why")
        raise typer.Exit(run.exit_code)
