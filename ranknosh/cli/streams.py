"""Standard streams that cannot stop a run: what reads them may leave, the disk behind them may fill, they may be closed."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO


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
