"""One process at work on a run: the open journal, the state it adds to, who listens, and whether a stop was asked for."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ranknosh.core.records import Folded, Session
from ranknosh.registry import own_modules_of
from ranknosh.runs.events import Events, Message, Recorded
from ranknosh.runs.journal import Journal
from ranknosh.runs.provenance import host_cores, now, versions

MODULES = "modules"
"""Among the details of a session: modules of the user's own that were first named when the run was resumed, as in a header."""
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

    @property
    def signalled(self) -> bool:
        """Whether a signal or :meth:`request` asked, whatever the program's own question says."""
        return self._signalled

    def request(self) -> None:
        """Ask for a stop."""
        self._signalled = True

    @contextmanager
    def on_signals(self, events: Events, doing: str) -> Iterator[None]:
        """Ctrl-C, SIGTERM and SIGHUP ask for a stop; a second Ctrl-C or SIGTERM stops at once. Handlers are put back at the end.

        SIGHUP stays ignored where the process was begun so, as under nohup.

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

        heard = (
            number for number in SIGNALS if number != SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        )  # nohup
        before = {number: signal.signal(number, handle) for number in heard}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class RunSession:
    """What a workflow is given to work with.

    Args:
        journal: open, with the folder's lock.
        state: the fold of the workflow's records, to which those that are written are added.
        events: takes everything that is reported.
        stop: whether a stop was asked for; looked at wherever the run can be resumed.
        command: what began this session, for the journal.
        changes: settings that differ from those of the session before.
    """

    journal: Journal
    state: Folded
    events: Events
    stop: StopRequest
    command: str
    changes: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        return self.journal.folder

    @property
    def seconds(self) -> float:
        """Seconds the run has worked, all sessions added up."""
        return self.journal.seconds

    def began(self, device: str, *, unfinished_jobs: int = 0, details: Mapping[str, Any] | None = None) -> None:
        """Write down that work begins, and start the run's clock; to be called once, when everything is ready.

        Args:
            device: where it works, in words.
            unfinished_jobs: lost in flight by the session before, and done again.
            details: what else the workflow keeps of a session.
        """
        earlier, named = self.journal.history, own_modules_of(dict(self.changes))
        record = Session(
            number=1 + sum(isinstance(known, Session) for known in earlier.records),
            host_cores=host_cores(),
            device=device,
            command=self.command,
            repaired_bytes=earlier.torn_bytes,
            unfinished_jobs=unfinished_jobs,
            changes=self.changes,
            created=now(),
            versions=versions(),
            details={**(details or {}), **({MODULES: named} if named else {})},
        )
        self.journal.start_clock()
        self.state.apply(record)
        self.journal.append([record])
        if record.repaired_bytes:
            self.say(f"the last record was cut off while it was written; {record.repaired_bytes} bytes were dropped")

    def add(self, record: Any, *lines: str) -> None:
        """Add a record to the state and :meth:`write` it."""
        self.state.apply(record)
        self.write([record], lines)

    def write(self, records: Sequence[Any], lines: Sequence[str] = ()) -> None:
        """Put records on disk, then report them.

        Args:
            records: of the workflow's kinds; the state holds them already.
            lines: the same in words.
        """
        self.events(Recorded(records, self.state, self.journal.append(records), lines))

    def check_stop(self) -> None:
        """Raises KeyboardInterrupt where a stop was asked for."""
        if self.stop.requested:
            raise KeyboardInterrupt

    def say(self, text: str) -> None:
        """A sentence for the user."""
        self.events(Message(text))
