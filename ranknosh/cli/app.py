"""The ``ranknosh`` command: its verbs in the order a newcomer meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from ranknosh.cli import (
    bench,
    clean,
    compare,
    doctor,
    plan,
    results,
    resume,
    retrain,
    score,
    search,
    spaces,
    starter,
    supernet,
)
from ranknosh.cli.outcome import EXIT_CODES, verb

app = typer.Typer(
    name="ranknosh",
    help="Search neural architectures: train many a little and few a lot, guided by a predictor that learns their order.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"ranknosh {version('ranknosh')}")
        except PackageNotFoundError:
            typer.echo("ranknosh (a checkout that is not installed)")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works after a verb too.")
    ] = False,
) -> None: ...


app.command("doctor")(verb(doctor.doctor))
app.command("init")(verb(starter.init))
app.command("plan")(verb(plan.plan))
app.command("search")(verb(search.search))
app.command("resume")(verb(resume.resume))
app.command("status")(verb(results.status))
app.command("top")(verb(results.top))
app.command("report")(verb(results.report))
app.command("repair")(verb(results.repair))
app.command("score")(verb(score.score))
app.command("retrain")(verb(retrain.retrain))
app.command("compare")(verb(compare.compare))
app.command("supernet")(verb(supernet.supernet))
app.command("clean")(verb(clean.clean))

_space = typer.Typer(no_args_is_help=True, help="Look at a search space: show, sample, count, check.")
_space.command("show")(verb(spaces.show))
_space.command("sample")(verb(spaces.sample))
_space.command("count")(verb(spaces.count))
_space.command("check")(verb(spaces.check))
app.add_typer(_space, name="space")

_bench = typer.Typer(no_args_is_help=True, help="Compare search methods where a table of results stands for training.")
_bench.command("run")(verb(bench.run))
app.add_typer(_bench, name="bench")
