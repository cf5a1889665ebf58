"""Runs begun and resumed by the command line: with a view of their events, and one end for an interruption."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from ranknosh.cli.outcome import INTERRUPTED, say_error
from ranknosh.runs.progress import View, make_view

if TYPE_CHECKING:
    from ranknosh.config.settings import Overrides, Settings
    from ranknosh.runs.run import Run

Own = TypeVar("Own", bound="Run[Any]")


def begun(kind: type[Own], settings: Settings, quiet: bool, **given: Any) -> Own:
    """A new run, worked at to its end.

    Args:
        kind: the workflow.
        settings: of the run.
        quiet: show no progress.
        given: objects that settings cannot name.
    """
    from ranknosh.runs.run import begin

    return _watched(quiet, lambda view, command: begin(kind, settings, command=command, events=view, **given))


def resumed(folder: Path, overrides: Overrides, quiet: bool) -> Run[Any]:
    """The run in ``folder``, worked at to its end.

    Args:
        folder: of the run.
        overrides: settings that are to change.
        quiet: show no progress.
    """
    from ranknosh.workflows import open_run

    found = open_run(folder)
    return _watched(quiet, lambda view, command: found.resume(overrides, command=command, events=view))


def leave(run: Run[Any], text: str) -> None:
    """Leave with the run's code and a message where that is not 0."""
    if run.exit_code:
        say_error(text)
        raise typer.Exit(run.exit_code)


def _watched(quiet: bool, work: Callable[[View, str], Own]) -> Own:
    view = make_view(quiet)
    try:
        with view:
            return work(view, shlex.join(["ranknosh", *sys.argv[1:]]))
    except KeyboardInterrupt:
        if view.folder is None:
            say_error("interrupted before the run began; nothing was written")
        else:
            say_error(f"interrupted; everything is saved. Resume with: ranknosh resume {shlex.quote(str(view.folder))}")
        raise typer.Exit(INTERRUPTED) from None
