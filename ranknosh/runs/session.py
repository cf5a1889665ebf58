"""One process at work on a run: the open journal, the state it adds to, who listens, and whether a stop was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranknosh.core.records import Folded, Session
from ranknosh.runs.events import Events, Message, Recorded
from ranknosh.runs.journal import Journal
from ranknosh.runs.provenance import host_cores, now, versions
from ranknosh.runs.stop import StopRequest


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
        earlier = self.journal.history
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
            details=details or {},
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
