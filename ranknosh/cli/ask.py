"""``ask`` and ``tell``: candidates of a search for loops outside, and what became of them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson
from ranknosh.cli.results import RunFolder
from ranknosh.cli.working import leave
from ranknosh.config.screen import print_result, say
from ranknosh.config.source import MOST_BYTES, read_small, small_text
from ranknosh.config.units import plural
from ranknosh.errors import ConfigError, StoreError
from ranknosh.spaces.base import read_json

if TYPE_CHECKING:
    from ranknosh.workflows.search.asking import Handout

OVER = 5
LOOK_SECONDS = 1.0


def ask(
    run: RunFolder,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="At most so many.")] = 1,
    wait: Annotated[
        bool, typer.Option("--wait", help="Where all others are out, wait until one can be handed out.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Take back what is out first: whoever had it is gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hand out candidates of a search whose config says executor: {name: ask, rank_by: METRIC}; tell takes their results.

    Any number of workers may ask. Exit code 0 with what is handed out, or with nothing while results of others are waited
    for; 5 where the search is over.

    \b
    Examples:
    ranknosh search own.yaml --name mine
    ranknosh ask runs/mine --json
    ranknosh ask runs/mine --count 8 --wait
    ranknosh tell runs/mine 0-1 accuracy=0.91
    """
    from ranknosh.workflows.search.run import SearchRun

    found = SearchRun.read(run)
    while True:
        handout = found.ask(count, again=again)
        if handout.jobs or handout.over is not None or not wait:
            break
        again = False
        time.sleep(LOOK_SECONDS)
    from ranknosh.workflows.search.asking import plain

    print_result(plain(handout), _text(handout), as_json)
    if handout.over is not None:
        leave(f"the search is over: {handout.over}", OVER)


def _text(handout: Handout) -> str:
    lines = []
    for job in handout.jobs:
        lines.append(f"{job.id}   epochs {job.from_epoch} to {job.to_epoch}   seed {job.seed}   {job.checkpoint_dir}")
        lines.append(f"    {job.architecture.text}")
    if not lines and handout.over is None:
        lines.append(f"nothing to hand out until one of the {plural(handout.out, 'level')} that are out is told")
    return "\n".join(lines)


def tell(
    run: RunFolder,
    level: Annotated[str, typer.Argument(metavar="ID", help="As ask printed it, such as 12-2.", show_default=False)],
    metrics: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="METRICS",
            help="A JSON file, - for stdin, or NAME=VALUE pairs such as accuracy=0.91.",
            show_default=False,
        ),
    ] = None,
    failed: Annotated[
        str | None, typer.Option("--failed", metavar="MESSAGE", help="The training failed; in place of METRICS.")
    ] = None,
) -> None:
    """Take the result of a candidate that was handed out by ask. What is in its folder is kept for its next level.

    \b
    Examples:
    ranknosh tell runs/mine 12-2 metrics.json
    ranknosh tell runs/mine 12-2 accuracy=0.91 loss=0.3
    echo '{"accuracy": 0.91}' | ranknosh tell runs/mine 12-2 -
    ranknosh tell runs/mine 12-2 --failed "out of memory"
    """
    from ranknosh.workflows.search.run import SearchRun

    if (failed is None) == (not metrics):
        raise ConfigError("give the metrics of the level, or --failed MESSAGE, one of the two")
    report = None if failed is not None else read_metrics(metrics or [])
    news = SearchRun.read(run).tell(level, report, failed=failed)
    say(f"{level} {'is written down' if news else 'was told before, and is the same'}")


def read_metrics(words: list[str]) -> Any:
    """Metrics from a JSON file, from stdin (``-``), or from ``NAME=VALUE`` pairs. Raises ConfigError or StoreError."""
    if all("=" in word for word in words) and not (len(words) == 1 and Path(words[0]).exists()):
        return {name: _number(name, value) for name, _, value in (word.partition("=") for word in words)}
    if len(words) > 1:
        raise ConfigError(f"{' '.join(words)}: give one JSON file, -, or NAME=VALUE pairs such as accuracy=0.91")
    try:
        text = _given_to_stdin() if words[0] == "-" else read_small(words[0])
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(
            f"{words[0]} cannot be read: {reason}; give a JSON file of metrics, or NAME=VALUE pairs such as accuracy=0.91"
        ) from error
    try:
        return read_json(text)
    except ValueError as error:
        raise ConfigError(f'{words[0]} cannot be read: {error}; write for example {{"accuracy": 0.91}}') from error


def _given_to_stdin() -> str:
    if sys.stdin is None:
        raise ValueError("stdin is closed")
    return small_text(sys.stdin.buffer.read(MOST_BYTES + 1))


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ConfigError(f"{name}={value}: the value is no number; write for example {name}=0.91") from None
