"""How a command ends: one message on stderr and one exit code, and a traceback only with --debug."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec

import typer

from ranknosh.errors import RankNoshError

Parameters = ParamSpec("Parameters")
OK, BUG, USAGE, BUDGET, DATA, CAPPED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
EXIT_CODES = (
    "Exit codes: 0 done, 1 internal error, 2 wrong config or usage, 3 the budget does not fit, 4 data or run folder "
    "problem, 5 stopped by a time or disk cap with results kept, 130 interrupted with the state saved."
)

debug = False


def verb(function: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Wraps a command so that whatever it raises becomes one message and an exit code."""

    @functools.wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except RankNoshError as error:
            _leave(f"error: {error}", error.exit_code)
        except KeyboardInterrupt:
            _leave("interrupted", INTERRUPTED)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(place.filename)}:{place.lineno}"
            text = " ".join(str(error).split()) or "no message"
            _leave(f"internal error: {type(error).__name__} at {where}: {text} (add --debug to see the traceback)", BUG)

    return run


def say_error(text: str) -> None:
    """One message on stderr."""
    if sys.stdout is not None:
        sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def _leave(text: str, code: int) -> None:
    if debug:
        traceback.print_exc()
    say_error(text)
    raise typer.Exit(code) from None
