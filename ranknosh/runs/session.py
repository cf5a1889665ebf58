"""One process at work on a run: the open journal, the settings in force, who listens, and whether a stop was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranknosh.config.settings import Settings
from ranknosh.core.records import Session
from ranknosh.runs.events import Events, Message, Recorded
from ranknosh.runs.journal import Journal
from ranknosh.runs.provenance import host_cores, now, versions
from ranknosh.runs.stop import StopRequest


@dataclass
class RunSession:
    """What a workflow is given to work with.

    Args:
        journal: open, with the folder's lock.
        settings: those in force now.
        events: takes everything that is reported.
        stop: whether a stop was asked for; looked at wherever the run can be resumed.
        command: what began this session, for the journal.
        changes: settings that differ from those of the session before.
        resumed: whether the run had begun before.
    """

    journal: Journal
    settings: Settings
    events: Events
    stop: StopRequest
    command: str
    changes: Mapping[str, Any]
    resumed: bool

    @property
    def folder(self) -> Path:
        return self.journal.folder

    @property
    def seconds(self) -> float:
        """Seconds the run has worked, all sessions added up."""
        return self.journal.seconds

    def began(self, device: str, *, unfinished_jobs: int = 0, details: Mapping[str, Any] | None = None) -> Session:
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
        self.journal.append([record])
        if record.repaired_bytes:
            self.say(f"the last record was cut off while it was written; {record.repaired_bytes} bytes were dropped")
        return record

    def write(self, records: Sequence[Any], state: Any, lines: Sequence[str] = ()) -> None:
        """Put records on disk, then report them.

        Args:
            records: of the workflow's kinds.
            state: the workflow's fold, with the records in it.
            lines: the same in words.
        """
        seconds = self.journal.append(records)
        self.events(Recorded(records, state, seconds, lines))

    def say(self, text: str) -> None:
        """A sentence for the user."""
        self.events(Message(text))
