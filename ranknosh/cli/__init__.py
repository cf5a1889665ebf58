"""The command line: the one place that joins everything. Nothing heavy is imported before a verb needs it."""

import itertools
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

_ADDRESS = re.compile(r"local|auto|[^/\s-][^/\s]*:\d+")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave the process with its exit code (see ``ranknosh --help``)."""
    from ranknosh.cli import working
    from ranknosh.cli.streams import guard, report_trouble

    guard()
    from ranknosh.cli.app import app

    # Waiting threads that spin take the cores from those that work: on a busy machine a training with two threads became
    # several times slower than with one. OpenMP reads this once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = words[: words.index("--")] if "--" in words else words
    working.debug = "--debug" in own
    rest = [word for position, word in enumerate(words) if word != "--debug" or position >= len(own)]
    try:
        app(args=with_address(rest), prog_name="ranknosh")
    except SystemExit as ended:
        report_trouble()
        if arguments is None and ended.code == working.INTERRUPTED:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # pressed once more, it would only change the exit code
        raise
    report_trouble()
    sys.exit(0)


def with_address(words: Sequence[str]) -> list[str]:
    """``--ray`` may come alone: it takes the next word only where that is an address (local, auto, host:port)."""
    pairs = itertools.zip_longest(words, words[1:], fillvalue="")
    return [
        "--ray=local" if word == "--ray" and not _ADDRESS.fullmatch(following) else word for word, following in pairs
    ]
