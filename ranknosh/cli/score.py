"""``score``: train-free scores of many architectures, as a table, a page and a summary; or what a run's proxies were worth."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ranknosh.cli.options import Quiet, Ray
from ranknosh.cli.outcome import INTERRUPTED, say_error
from ranknosh.cli.screen import print_json
from ranknosh.errors import ConfigError, MissingDependency

if TYPE_CHECKING:
    from ranknosh.cli.score_progress import ScoreProgress
    from ranknosh.cli.score_request import Wanted
    from ranknosh.data.table import Table
    from ranknosh.workflows.score.outputs import Outputs
    from ranknosh.workflows.score.population import Draw
    from ranknosh.workflows.score.request import Request
    from ranknosh.workflows.score.rows import Results


class HowDrawn(str, Enum):
    functions = "functions"
    codes = "codes"


Things = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SPACE|ARCH...",
        help="A search space to draw from, or architectures as exchange strings.",
        show_default=False,
    ),
]


def score(
    things: Things = None,
    proxies: Annotated[
        str | None,
        typer.Option("--proxies", help="Names with commas between, or 'all' that need no option; default: all."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Images: a name, an image folder or archive, or an npz file; default: digits.",
        ),
    ] = None,
    data_root: Annotated[
        str | None, typer.Option("--data-root", help="Where published sets lie, such as cifar10.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="How many to draw of a space; default: 200.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every function of the space once.")] = False,
    draw: Annotated[
        HowDrawn | None,
        typer.Option(
            "--draw",
            help="Distinct functions that can learn, or codes uniformly as tables list them; default: functions.",
        ),
    ] = None,
    channels: Annotated[
        int | None, typer.Option("--channels", min=1, help="Channels of the first stage; default: 16.")
    ] = None,
    cells: Annotated[int | None, typer.Option("--cells", min=1, help="Cells in a stage; default: 5.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Training images of a score.")] = 64,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of the sample, the images and the weights; default: 0.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, or auto for cuda where there is one.")] = "cpu",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="PROXY.NAME=VALUE", help="An option of a proxy, such as swap_reg.mu=900; repeat it."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Take space, network, data, executor and seed of a search; flags win."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The table; its journal and page get the same name; default: scores.csv, with --audit in RUN."
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", metavar="FILE.npz", help="Accuracies to compare the scores with.")
    ] = None,
    ray: Ray = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Drop the scores that the files hold already.")] = False,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--audit",
            metavar="RUN",
            help="Say which proxies told the truth in a search: those of its level 0, or with --proxies any others too.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary and all rows as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Score architectures without training them; the same command again goes on where it stopped.

    Leaves scores.csv (a row each), scores.jsonl (the journal that it is made from) and scores.html (how proxies agree with each
    other and with known accuracies). Isomorphic cells are scored once. One thread a network: --ray uses all cores.

    \b
    Examples:
    ranknosh score nasbench201
    ranknosh score nasbench201 --proxies all --data cifar10.zip --count 300 --draw codes --table nasbench201.npz
    ranknosh score '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|' --json
    ranknosh score nasbench201 --all --proxies synflow,nwot --ray
    ranknosh score nasbench201 --option swap_reg.mu=900 --option swap_reg.sigma=800000
    ranknosh score --config search.yaml --out runs/scores.csv
    ranknosh score --audit runs/demo-001
    ranknosh score --audit runs/demo-001 --proxies all
    """
    from ranknosh.cli.score_progress import make_score_progress
    from ranknosh.cli.score_request import ALL, Wanted, make_request
    from ranknosh.workflows.score.outputs import Outputs, write_whole

    progress = make_score_progress(quiet or as_json)
    how: Draw | None = None if draw is None else ("codes" if draw is HowDrawn.codes else "functions")
    wanted = Wanted(tuple(things or ()), proxies or ALL, tuple(options or ()), config, count, every, how, batch)
    wanted = wanted.with_settings(
        channels=channels, cells=cells, seed=seed, device=device, data=data, data_root=data_root, ray=ray
    )
    if audit is not None:
        _alone("--audit", things, count, every, draw, config, table, channels, cells, seed)
        if proxies is None:
            _alone("--audit without --proxies", options, ray, data, data_root, out, fresh)
        _audit(audit, None if proxies is None else wanted, out, progress, fresh, as_json)
        return
    from ranknosh.cli.score_text import as_dict, as_text
    from ranknosh.data.table import Table
    from ranknosh.workflows.score.page import render
    from ranknosh.workflows.score.summary import summarise

    files = Outputs.at(out or Path("scores.csv"), fresh)
    request = make_request(wanted)
    known = None if table is None else Table.load(table, request.space.name)
    results = _scored(request, files, known, progress, fresh)
    try:
        write_whole(files.page, render(results).encode())
    except MissingDependency as error:
        say_error(f"no {files.page}: {error}")
    summaries = summarise(results.rows, request.directions)
    if as_json:
        print_json(as_dict(results, files, summaries))
    else:
        print(as_text(results, files, summaries), flush=True)


def _audit(
    run: Path, wanted: Wanted | None, out: Path | None, progress: ScoreProgress, fresh: bool, as_json: bool
) -> None:
    """Print what proxies were worth in ``run``: those of its level 0, or those ``wanted``, by which its candidates are scored."""
    from ranknosh.cli.score_audit import RUN_SCORES, audit_run, candidates_of, config_of
    from ranknosh.cli.score_request import make_request
    from ranknosh.workflows.score.outputs import Outputs

    if wanted is None:
        audit_run(run, as_json)
        return
    files = Outputs.at(out or run / RUN_SCORES, fresh)
    request = make_request(replace(wanted, things=candidates_of(run), config=config_of(run)))
    found = _scored(request, files, None, progress, fresh)
    audit_run(run, as_json, {row.canonical: row.values for row in found.rows})


def _alone(flag: str, *others: Any) -> None:
    if any(other is not None and other is not False and other != [] for other in others):
        raise ConfigError(
            f"{flag} reads a search that was run, with its space, network, images and seed. It takes --json; with --proxies also "
            "--option, --batch, --device, --data, --data-root, --ray, --out and --fresh; leave the rest out"
        )


def _scored(request: Request, files: Outputs, table: Table | None, progress: ScoreProgress, fresh: bool) -> Results:
    """The results, after everything that was missing is scored. The table is written whatever ends it."""
    from ranknosh.workflows.score.batch import header_of, score_missing
    from ranknosh.workflows.score.journal import ScoreJournal
    from ranknosh.workflows.score.outputs import write_whole
    from ranknosh.workflows.score.rows import results_of
    from ranknosh.workflows.search.assembly import load_data

    begun = False
    try:
        data = load_data(request.config)
        with ScoreJournal.open(files.journal, header_of(request, data), request.options, fresh) as journal:
            begun = True
            shares = request.shares(journal.kept.entries)
            try:
                with progress:
                    score_missing(request, shares, data, journal, progress, command=shlex.join(_command()))
            finally:
                results = results_of(request, shares, journal.kept.entries, table)
                write_whole(files.table, results.csv().encode())
            return results
    except KeyboardInterrupt:
        _interrupted(files, begun)


def _interrupted(files: Outputs, begun: bool) -> NoReturn:
    if begun:
        again = shlex.join(word for word in _command() if word != "--fresh")
        say_error(f"interrupted; what was scored is saved in {files.journal}. Go on with: {again}")
    else:
        say_error("interrupted before anything was scored; nothing was written")
    raise typer.Exit(INTERRUPTED)


def _command() -> list[str]:
    return ["ranknosh", *sys.argv[1:]]
