"""``bench run``: search methods compared on a table of results, without training."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ranknosh.config.fields import words
from ranknosh.runs.progress import make_view


def run(
    table: Annotated[Path, typer.Option(help="The npz file of results.", show_default=False)],
    methods: Annotated[str, typer.Option(help="Names with commas between.")] = "ranknosh,random,lowfi_evo",
    budget: Annotated[int, typer.Option(min=1, help="Training epochs of one run.")] = 3200,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each method, with seeds of their own.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the seeds.")] = 0,
    accounting: Annotated[
        str,
        typer.Option(
            metavar="resume|scratch", help="A promoted training pays what it adds (resume), or all (scratch)."
        ),
    ] = "resume",
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
    ranknosh bench run --table nasbench201.npz --methods ranknosh_unseeded,ranknosh_proxies --scores scores.csv
    """
    from ranknosh.bench.rows import format_rows
    from ranknosh.bench.run import run_bench

    names, some = words(methods), None if proxies is None else words(proxies)
    with make_view(not sys.stderr.isatty()) as view:
        rows = run_bench(table, names, budget, repeats, seed, accounting, out, view, jobs, scores, some)  # type: ignore[arg-type]
    print(format_rows(rows), flush=True)
