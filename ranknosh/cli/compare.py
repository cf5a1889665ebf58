"""``compare``: search methods under one budget of device time, their finds trained by one recipe, and one table."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ranknosh.cli.options import Quiet, Settings, named_overrides
from ranknosh.cli.outcome import CAPPED, INTERRUPTED, say_error
from ranknosh.cli.screen import print_json
from ranknosh.errors import MissingDependency

if TYPE_CHECKING:
    from ranknosh.cli.compare_progress import CompareProgress
    from ranknosh.cli.compare_request import Request
    from ranknosh.workflows.compare.journal import ComparisonJournal
    from ranknosh.workflows.compare.problem import Problem
    from ranknosh.workflows.compare.rows import Row


def compare(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG|FOLDER",
            help="A search config; with --resume also the comparison's folder.",
            show_default=False,
        ),
    ],
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
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a comparison; what is finished is kept.")
    ] = False,
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
    ranknosh compare runs/demo-compare-001 --resume
    ranknosh compare runs/demo-compare-001 --resume --seeds 5 --json
    """
    from ranknosh.cli.compare_progress import make_compare_progress
    from ranknosh.cli.compare_request import Flags, make_request

    overrides = (*(settings or ()), *named_overrides(name=name, out=out))
    request = make_request(Flags(config, methods, seeds, budget, table, final_epochs, overrides, resume))
    progress = make_compare_progress(quiet)
    try:
        with progress:
            rows, journal = _compared(request, progress)
    except KeyboardInterrupt:
        _interrupted(request)
    _show(request, rows, journal, as_json)


def _compared(request: Request, progress: CompareProgress) -> tuple[tuple[Row, ...], ComparisonJournal]:
    """Run what is missing, and write the outputs of what there is, however it ends."""
    from ranknosh.data.table import Table
    from ranknosh.workflows.compare.catalog import make_methods
    from ranknosh.workflows.compare.comparison import check_images, header_of, run_comparison
    from ranknosh.workflows.compare.journal import ComparisonJournal
    from ranknosh.workflows.compare.prices import check_budget, measure
    from ranknosh.workflows.compare.problem import problem_of

    wanted, command = request.wanted, shlex.join(["ranknosh", *sys.argv[1:]])
    known = None if request.table is None else Table.load(request.table, wanted.config.space.name)
    methods = {method.name: method for method in make_methods(wanted.methods, wanted.config)}
    problem = problem_of(wanted.config, known)
    if request.kept is not None:
        check_images(request.kept.header, problem)
        opened = ComparisonJournal.open(request.folder)
    else:
        check_budget(measure(problem, wanted.config), wanted.config, wanted.methods, wanted.budget_seconds)
        opened = ComparisonJournal.create(request.folder, header_of(wanted, problem, command))
    progress.on_message(f"comparison folder {request.folder}")
    with opened as journal:
        table = None if request.table is None else str(request.table)
        try:
            run_comparison(journal, wanted, methods, problem, progress, command=command, table=table)
        finally:
            rows = _written(request, journal, problem)
    return rows, journal


def _written(request: Request, journal: ComparisonJournal, problem: Problem) -> tuple[Row, ...]:
    from ranknosh.workflows.compare.outputs import write_outputs
    from ranknosh.workflows.compare.rows import results_of, rows_of

    kept = journal.kept
    rows = rows_of(results_of(kept, request.wanted.pairs, problem), request.wanted.budget_seconds)
    try:
        write_outputs(request.folder, kept.header, kept.sessions, rows)
    except MissingDependency as error:
        say_error(f"no report.html: {error}")
    return rows


def _show(request: Request, rows: tuple[Row, ...], journal: ComparisonJournal, as_json: bool) -> None:
    from ranknosh.workflows.compare.outputs import PAGE, document
    from ranknosh.workflows.compare.text import terminal

    kept = journal.kept
    if as_json:
        print_json(document(request.folder, kept.header, kept.sessions, rows))
    else:
        print(terminal(rows, request.wanted.budget_seconds, dict(kept.header["settings"])))
        page = request.folder / PAGE
        print(f"\nreport  {page if page.exists() else 'none'}", flush=True)
    if not any(row.validation.n for row in rows):
        say_error("no search found anything that could be trained; the notes above say why")
        raise typer.Exit(CAPPED)


def _interrupted(request: Request) -> None:
    from ranknosh.workflows.compare.journal import NAME

    if not (request.folder / NAME).exists():
        say_error("interrupted before the comparison began; nothing was written")
    else:
        folder = shlex.quote(str(request.folder))
        say_error(f"interrupted; everything is saved. Go on with: ranknosh compare {folder} --resume")
    raise typer.Exit(INTERRUPTED)
