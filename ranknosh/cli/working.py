"""What verbs have in common: a run that is shown while it works, and one message and one exit code at the end.

A traceback is shown with ``--debug`` only.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from ranknosh.config.screen import say
from ranknosh.errors import LINES, RankNoshError, printable, to_type
from ranknosh.runs.progress import make_view

if TYPE_CHECKING:
    from ranknosh.config.settings import Settings
    from ranknosh.runs.run import Run

Own = TypeVar("Own", bound="Run[Any]")
BUG, USAGE, BUDGET, INTERRUPTED = 1, 2, 3, 130
EXIT_CODES = (
    "Exit codes: 0 done, 1 internal error, 2 wrong config or usage, 3 the budget does not fit, 4 data or run folder "
    "problem, 5 stopped by a time or disk cap with results kept, 130 interrupted with the state saved."
)

debug = False


def say_error(text: str) -> None:
    """One message on stderr."""
    if sys.stdout is not None:
        sys.stdout.flush()
    say(text, sys.stderr)


def leave(text: str, code: int) -> NoReturn:
    """Leave the process with a message and an exit code."""
    if debug and sys.exc_info()[0]:
        say_error(traceback.format_exc().rstrip())
    say_error(text)
    raise typer.Exit(code) from None


@contextmanager
def one_end() -> Iterator[None]:
    """Decorates a verb so that whatever it raises becomes one message and an exit code."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except RankNoshError as error:
        leave(f"error: {LINES.join(printable(line) for line in str(error).split(LINES))}", error.exit_code)
    except KeyboardInterrupt:
        leave("interrupted", INTERRUPTED)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        text = " ".join(str(error).split()) or "no message"
        leave(f"internal error: {type(error).__name__} at {where}: {text} (add --debug to see the traceback)", BUG)


@contextmanager
def watched(quiet: bool) -> Iterator[dict[str, Any]]:
    """Shows a run while it works, and says how to resume one that is interrupted.

    Args:
        quiet: show no progress.

    Yields:
        What ``begin`` and ``Run.resume`` take of it.
    """
    view = make_view(quiet)
    try:
        with view:
            yield {"events": view, "command": to_type(*sys.argv[1:])}
    except KeyboardInterrupt:
        if view.folder is None:
            leave("interrupted before the run began; nothing was written", INTERRUPTED)
        leave(f"interrupted; everything is saved. Resume with: {to_type('resume', view.folder)}", INTERRUPTED)


def begun(kind: type[Own], settings: Settings, quiet: bool, **given: Any) -> Own:
    """A new run, worked at to its end.

    Args:
        kind: the workflow.
        settings: of the run.
        quiet: show no progress.
        given: objects that settings cannot name.
    """
    from ranknosh.runs.run import begin

    with watched(quiet) as told:
        return begin(kind, settings, **told, **given)


def check_end(run: Run[Any], text: str) -> None:
    """Leaves with the run's exit code and a message where that is not 0."""
    if run.exit_code:
        leave(text, run.exit_code)


def report_row(run: Run[Any]) -> tuple[str, str]:
    """Where the report of a run is, for the facts of its end."""
    page = run.folder / "report.html"
    return "report", str(page) if page.exists() else f"none; {to_type('report', run.folder)} writes it"


def export_row(run: Run[Any]) -> tuple[str, str]:
    """What comes after a training to the end."""
    return "next", f"{to_type('export', run.folder)}   takes it home: model.py, weights, a card"
