"""The command line: the one place that joins everything. Nothing heavy is imported before a verb needs it.

Standard streams cannot stop a run: what reads them may leave, the disk behind them may fill, they may be closed.
"""

import itertools
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TextIO

_ADDRESS = re.compile(r"local|auto|[^/\s-][^/\s]*:\d+")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave the process with its exit code (see ``ranknosh --help``)."""
    guard()
    sys.unraisablehook = _unraisable
    try:
        os.getcwd()
    except OSError:  # loading torch would end the process
        print("error: the working directory was removed; change to one that is there, and try again", file=sys.stderr)
        sys.exit(4)
    try:
        from ranknosh.cli import working
        from ranknosh.cli.app import app
    except KeyboardInterrupt:  # pressed while modules are loaded
        sys.exit(130)

    # Waiting threads that spin take the cores from those that work: on a busy machine a training with two threads became
    # several times slower than with one. OpenMP reads this once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = words[: words.index("--")] if "--" in words else words
    working.debug = "--debug" in own
    rest = [word for position, word in enumerate(words) if word != "--debug" or position >= len(own)]
    try:
        sys.exit(app(args=with_address(with_plain_names(rest)), prog_name="ranknosh"))
    except SystemExit as ended:
        if arguments is None and ended.code == working.INTERRUPTED:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # pressed once more, it would only change the exit code
            # Where Ctrl-C met code in a text, such as a dataclass in the making, Python notes it, and python -m would end by the
            # signal, with -2, whatever the exit code. Any other code in a text clears the note.
            exec("")
        raise
    finally:
        report_trouble()


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """Ctrl-C that met code from which nothing can be raised, such as a weak reference's, shows no traceback."""
    if not issubclass(found.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(found)


def with_address(words: Sequence[str]) -> list[str]:
    """``--ray`` may come alone: it takes the next word only where that is an address (local, auto, host:port)."""
    pairs = itertools.zip_longest(words, words[1:], fillvalue="")
    return [
        "--ray=local" if word == "--ray" and not _ADDRESS.fullmatch(following) else word for word, following in pairs
    ]


def with_plain_names(words: Sequence[str]) -> list[str]:
    """Options up to ``--`` whose names hold what a terminal would obey, and which are none of ours, as they can be shown."""
    from ranknosh.errors import printable

    end = list(words).index("--") if "--" in words else len(words)
    pairs = [word.partition("=") for word in words[:end]]
    shown = [f"{printable(name) if name.startswith('--') else name}{sign}{value}" for name, sign, value in pairs]
    return [*shown, *words[end:]]


class Guarded:
    """A text stream that drops what cannot be written. ``trouble`` is the first error, None where there was none."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.trouble: str | None = None

    def write(self, text: str) -> int:
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def _attempt(self, action: Callable[[], object]) -> None:
        if self.trouble is not None:
            return
        try:
            action()
        except (OSError, ValueError) as error:
            self.trouble = "the reader left" if isinstance(error, BrokenPipeError) else str(error)
            with suppress(
                OSError, ValueError
            ):  # what the interpreter would still flush at its end goes to the null device
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard() -> None:
    """Put guards around stdout and stderr, once a process; what is closed is opened on the null device.

    Else a file of a run would be given the number of a closed stream.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Guarded):
            setattr(sys, name, Guarded(stream))


def report_trouble() -> None:
    """Say on stderr that the result could not be printed; a reader that left (``head``) knows it."""
    stream = sys.stdout
    if isinstance(stream, Guarded):
        stream.flush()
        if stream.trouble not in (None, "the reader left"):
            text = f"the result could not be printed: {stream.trouble}; the run is in its folder"
            print(text, file=sys.stderr, flush=True)
