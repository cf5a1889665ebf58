"""``supernet``: a one-shot search by one of the differentiable methods, started, and summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson, Quiet, flags_of, named
from ranknosh.cli.working import begun, check_end, report_row
from ranknosh.config.screen import facts, print_result
from ranknosh.config.settings import Given, Overrides
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import human_duration, human_size, percent, plural
from ranknosh.errors import ConfigError, to_type

if TYPE_CHECKING:
    from ranknosh.workflows.supernet.run import SupernetRun

LIST = "list"
FLAGS = {
    "data": "--data NAME|PATH",
    "space.name": "--space NAME",
    **named("budget.epochs", "seed", "train.device", "train.threads"),
    "budget.time": "--time DURATION",
    "method.options": "--option NAME=VALUE",
    "table": "--table FILE.npz",
    **named("name", "out"),
}


@flags_of(SupernetSettings, FLAGS)
def supernet(
    given: Overrides,
    method: Annotated[
        str | None,
        typer.Argument(
            metavar="METHOD", help="Such as darts, ostr_darts or darts_pt; 'list' shows all.", show_default=False
        ),
    ] = None,
    list_methods: Annotated[
        bool, typer.Option("--list", help="List the methods with what they are made of and their papers.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search by training one network that holds every operation; leaves a run folder with what was found and a report.

    On every space and task whose networks choose among operations of equal shape ('ranknosh space check' says where).

    \b
    Examples:
    ranknosh supernet list
    ranknosh supernet darts --data digits --set space.channels=8 --set space.cells=1 --epochs 10
    ranknosh supernet darts --data cifar10.zip --set data.limit=10000 --set space.channels=8 --time 30m
    ranknosh supernet ostr_darts --space darts --data cifar10 --seed 3 --name ostr3
    ranknosh supernet ostr_darts --option patience=0 --set recipe.batch=128 --table nasbench201.npz --json
    ranknosh resume runs/ostr3
    """
    if list_methods or method == LIST:
        _list(as_json)
        return
    if method is None:
        raise ConfigError("no method is named; give one, such as darts ('ranknosh supernet list' shows all)")
    from ranknosh.workflows.supernet.run import SupernetRun

    named = [*given, Given(("method", "name"), method, method)]
    wanted = SupernetSettings.from_dict(SupernetSettings().to_dict(), "the command line", named)
    sum_up(begun(SupernetRun, wanted, quiet), as_json)


def sum_up(run: SupernetRun, as_json: bool = False) -> None:
    """The end of a search: what was found at what cost, and where it is."""
    print_result({**run.status(), "folder": str(run.folder)}, as_text(run), as_json)
    check_end(run, f"stopped before all epochs were done, what was derived so far is kept: {run.reason}")


def as_text(run: SupernetRun) -> str:
    """What :func:`sum_up` prints."""
    now = run.status()
    memory = ", ".join(f"{name} {human_size(size)}" for name, size in now["peak_memory"].items())
    used = f"{plural(now['epochs'], 'epoch')}, device {human_duration(now['device_seconds'])}"
    known, searched = now["truth"], run.header.data["name"]
    truth = f"by the table of {run.table_data}, which the search on {searched} did not see"
    rows = [
        ("found", now["architecture"]),
        ("", None if now["skips"] is None else plural(now["skips"], "skip connection")),
        ("", None if known is None else f"{percent(known)} {truth}"),
        ("method", f"{now['method']}: {now['composition']}"),
        ("ended", now["ended"]),
        ("used", f"{used}, wall {human_duration(now['wall_seconds'])}, peak memory: {memory}"),
        ("genotype", str(run.folder / "best" / "genotype.txt")),
        report_row(run),
        ("next", now["architecture"] and f"{to_type('retrain', run.folder)}   trains it from scratch"),
    ]
    return facts(rows)


def _list(as_json: bool) -> None:
    from supernet.methods import METHODS

    methods = {name: factory() for name, factory in METHODS.items()}
    rows: list[dict[str, Any]] = [
        {"name": name, "title": method.name, "source": method.source, "epochs": method.epochs}
        | {"composition": method.composition()}
        for name, method in methods.items()
    ]
    lines = []
    for row in rows:
        lines += [(row["name"], f"{row['title']} ({row['source']})"), ("", row["composition"])]
    print_result(rows, facts(lines), as_json)
