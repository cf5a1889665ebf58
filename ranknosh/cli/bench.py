"""``bench run``: search methods compared on a table of results, without training."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ranknosh.config.fields import words
from ranknosh.errors import ConfigError
from ranknosh.runs.progress import make_view


def run(
    table: Annotated[Path, typer.Option(help="The npz file of results.", show_default=False)],
    methods: Annotated[str, typer.Option(help="Names with commas between.")] = "ranknosh,random,lowfi_evo",
    budget: Annotated[int, typer.Option(min=1, help="Training epochs of one run.")] = 3200,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each method, with seeds of their own.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the seeds.")] = 0,
    levels: Annotated[
        str | None,
        typer.Option(
            help="Epochs of the levels, with commas between, such as 3,10,30,100; default: the table's last, and up to three "
            "before it, each at most a third of the one above."
        ),
    ] = None,
    accounting: Annotated[
        str | None,
        typer.Option(
            metavar="resume|scratch",
            help="A promoted training pays what it adds (resume), or all (scratch); default: as the table's trainings were made.",
        ),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="Train-free scores of all architectures, for methods named *_proxies.")
    ] = None,
    proxies: Annotated[
        str | None, typer.Option(help="Which of the scores, with commas between; default: synflow,nwot.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Write settings and every regret here.")
    ] = None,
) -> None:
    """Run search methods on a table of finished trainings and print their regret at equal cost.

    \b
    Examples:
    ranknosh bench run --table nasbench201.npz --budget 4000 --repeats 100 --json bench.json
    ranknosh bench run --table nasbench201.npz --methods ranknosh,random --repeats 10
    ranknosh bench run --table curves.npz --levels 3,10,30,100 --methods ranknosh,halving,asha
    ranknosh bench run --table nasbench201.npz --methods ranknosh_unseeded,ranknosh_proxies --scores scores.csv
    """
    from ranknosh.bench.rows import format_rows
    from ranknosh.bench.run import run_bench

    with make_view(not sys.stderr.isatty()) as view:
        rows = run_bench(
            table,
            words(methods),
            budget,
            repeats,
            seed,
            accounting,  # type: ignore[arg-type]  # checked there
            out,
            view,
            jobs,
            scores,
            None if proxies is None else words(proxies),
            levels=_epochs(levels),
        )
    print(format_rows(rows), flush=True)


def _epochs(levels: str | None) -> tuple[int, ...]:
    try:
        return tuple(map(int, words(levels or "")))
    except ValueError:
        raise ConfigError(
            f"--levels is {levels!r}; give whole numbers of epochs with commas between, such as 3,10,30,100"
        ) from None
