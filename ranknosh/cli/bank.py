"""``bench build``: a bank of real trainings, and the table that ``bench run`` reads made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.bench import made_text
from ranknosh.cli.configs import settings_of
from ranknosh.cli.flags import AsJson, ConfigFile, Quiet, flags_of, named
from ranknosh.cli.working import check_end, watched
from ranknosh.config.screen import facts, print_result
from ranknosh.config.search import BankSettings
from ranknosh.config.settings import Given, Overrides
from ranknosh.config.units import human_duration, plural
from ranknosh.errors import to_type

if TYPE_CHECKING:
    from ranknosh.workflows.bank.run import BankRun

FLAGS = {**named("seeds", "seeded", "seed"), "executor": "--ray [ADDRESS]"}
SUFFIX = ".npz"


@flags_of(BankSettings, FLAGS)
def build(
    config: ConfigFile,
    out: Annotated[
        Path,
        typer.Option(
            help="The table, a .npz file; its trainings are kept in the folder of the same name. Of a folder: DIR/table.npz.",
            metavar="FILE.npz|DIR",
            show_default=False,
        ),
    ],
    given: Overrides,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, max=10**9, help="Architectures, all different, none dead.")
    ] = 1000,
    epochs: Annotated[int, typer.Option(min=1, max=10**6, help="Epochs of every training.")] = 12,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train random architectures of a space to the end and make a table of their curves, which bench run reads.

    Of the config, space, data, task and train count; a search's levels, seeding, predictor and budget do not. The same command
    goes on after an interruption, and with a larger count or more seeds. The table holds loss and accuracy of
    training and validation after every epoch, test accuracy at the end, seconds an epoch and costs.

    \b
    Examples:
    ranknosh bench build configs/digits.yaml --count 50 --epochs 4 --out digits.npz
    ranknosh bench build configs/bank_digits.yaml --count 1000 --epochs 12 --seeds 3 --seeded 150 --out banks/digits.npz
    ranknosh bench build configs/bank_digits.yaml --count 1000 --ray --out banks/digits.npz
    """
    from ranknosh.bench.sources import add
    from ranknosh.workflows.bank.api import bank_settings
    from ranknosh.workflows.bank.api import build as build_bank

    folder, table = (out.with_suffix(""), out) if out.suffix == SUFFIX else (out, out / f"table{SUFFIX}")
    place = [Given(("out",), str(folder.parent), "--out"), Given(("name",), folder.name, "--out")]
    wanted = [*given, *bank_settings(count, epochs), *place]
    settings = settings_of(BankSettings, config, wanted, quiet or as_json)
    with watched(quiet or as_json) as told:
        run = build_bank(settings, folder, **told)
    _check(run)
    made = add(run.folder, table)
    print_result({**run.describe(), "table": str(table)}, f"{made_text(made, table)}\n\n{_text(run, table)}", as_json)


def sum_up(run: BankRun, as_json: bool = False) -> None:
    """The end of a bank that was resumed."""
    print_result(run.describe(), _text(run), as_json)
    _check(run)


def _check(run: BankRun) -> None:
    check_end(run, f"no architecture could be trained; see why with: {to_type('status', run.folder, '--failures')}")


def _text(run: BankRun, table: Path | None = None) -> str:
    now = run.describe()
    trainings = plural(sum(1 + len(one.replicas) for one in run.pool.candidates.values() if one.level), "training")
    failed = f" ({now['failed']} failed)" if now["failed"] else ""
    trained = f"{plural(now['candidates'], 'architecture')}{failed}, {trainings}, {human_duration(now['seconds'])}"
    if table is None:
        made = f"{run.folder}{SUFFIX}"
        return facts([("trained", trained), ("next", to_type("bench", "add", run.folder, "--out", made))])
    return facts([("trained", trained), ("next", to_type("bench", "run", "--table", table))])
