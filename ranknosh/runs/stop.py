"""Requests to stop a run from outside: Ctrl-C, SIGTERM, a closed terminal, or a program."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ranknosh.runs.events import Events, Message

SIGHUP = getattr(signal, "SIGHUP", None)
SIGNALS = tuple(number for number in (signal.SIGINT, signal.SIGTERM, SIGHUP) if number is not None)


class StopRequest:
    """Whether a stop was asked for; the run saves and ends at the next point where it can be resumed.

    Args:
        asked: a program's own question, put at every look (such as a comparison's inner searches ask the outer one).
    """

    def __init__(self, asked: Callable[[], bool] = lambda: False) -> None:
        self._asked = asked
        self._signalled = False

    @property
    def requested(self) -> bool:
        return self._signalled or self._asked()

    def request(self) -> None:
        """Ask for a stop."""
        self._signalled = True

    @contextmanager
    def on_signals(self, events: Events, doing: str) -> Iterator[None]:
        """Ctrl-C, SIGTERM and SIGHUP ask for a stop; a second Ctrl-C or SIGTERM stops at once. Handlers are put back at the end.

        Args:
            events: hears what the stop waits for.
            doing: what is finished first, in words.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self._signalled:
                if number == SIGHUP:  # a terminal that closes may send it more than once
                    return
                raise KeyboardInterrupt
            self._signalled = True
            events(Message(f"stopping after {doing}; press Ctrl-C again to stop at once"))

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
