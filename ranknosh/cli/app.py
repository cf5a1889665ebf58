"""The ``ranknosh`` command: its verbs in the order a newcomer meets them."""

import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from ranknosh.cli import (
    ask,
    bank,
    bench,
    compare,
    doctor,
    export,
    plan,
    predict,
    report,
    results,
    retrain,
    score,
    search,
    space_check,
    spaces,
    starter,
    supernet,
)
from ranknosh.cli.usage import Verb, Verbs
from ranknosh.cli.working import EXIT_CODES, one_end
from ranknosh.version import __version__

app = typer.Typer(
    name="ranknosh",
    cls=Verbs,
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
        typer.echo(f"ranknosh {__version__}")
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


def help_of(verb: Callable[..., None]) -> str:
    """The docstring of a verb with each paragraph as one line, to be broken where a terminal ends; lists of lines stay lists."""
    paragraphs = inspect.cleandoc(verb.__doc__ or "").split("\n\n")
    return "\n\n".join(each if each.startswith("\b") else " ".join(each.split()) for each in paragraphs)


for _function in (
    doctor.doctor,
    starter.init,
    plan.plan,
    search.search,
    ask.ask,
    ask.tell,
    results.resume,
    results.status,
    results.top,
    report.report,
    results.repair,
    score.score,
    retrain.retrain,
    export.export,
    predict.predict,
    compare.compare,
    supernet.supernet,
    results.clean,
):
    app.command(cls=Verb, help=help_of(_function))(one_end()(_function))

_space = typer.Typer(cls=Verbs, no_args_is_help=True, help="Look at search spaces: list, show, sample, count, check.")
_space.command("list", cls=Verb, help=help_of(spaces.listing))(one_end()(spaces.listing))
for _function in (spaces.show, spaces.sample, spaces.count, space_check.check):
    _space.command(cls=Verb, help=help_of(_function))(one_end()(_function))
app.add_typer(_space, name="space")

_bench = typer.Typer(
    cls=Verbs, no_args_is_help=True, help="Compare search methods where a table of results stands for training."
)
for _function in (bench.run, bench.show, bench.add, bank.build):
    _bench.command(cls=Verb, help=help_of(_function))(one_end()(_function))
app.add_typer(_bench, name="bench")
