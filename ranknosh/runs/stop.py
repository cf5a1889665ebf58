"""Requests to stop a run from outside."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked the search to stop after the running epoch."""

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def on_signals(self, announce: Callable[[str], None]) -> Iterator[StopRequest]:
        """Ctrl-C and SIGTERM ask for a stop; a second Ctrl-C stops at once. Handlers are put back at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self.requested:
                raise KeyboardInterrupt
            self.requested = True
            announce("stopping after the running epoch; press Ctrl-C again to stop at once")

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
