"""The command line: the one place that joins everything. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave the process with its exit code (see ``ranknosh --help``)."""
    from ranknosh.cli import outcome
    from ranknosh.cli.app import app

    # Waiting threads that spin take the cores from those that work: on a busy machine a training with two threads became
    # several times slower than with one. OpenMP reads this once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = words[: words.index("--")] if "--" in words else words
    outcome.debug = "--debug" in own
    rest = [word for position, word in enumerate(words) if word != "--debug" or position >= len(own)]
    app(args=rest, prog_name="ranknosh")
    sys.exit(0)
