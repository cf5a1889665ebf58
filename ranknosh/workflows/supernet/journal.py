"""The journal of a supernet search: ``journal.jsonl``, append-only, a line an epoch, on disk before anything is told of it.

Line 1 is the header (format, resolved settings, the method's composition, versions, data). ``session`` lines say who searched
what follows and after how many epochs they took it up: epochs beyond that were done again. ``plan`` lines say how many epochs
there will be and why. A ``result`` line ends it. A torn last line is cut off when the journal is opened, which is locked while
it is open.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import append_synced, reopen_locked, sync_folder, write_error
from ranknosh.workflows.supernet.outcome import Plan, Result

FORMAT = "supernet 1"
NAME = "journal.jsonl"


@dataclass
class Record:
    """What is known of a search. ``epochs``: reports in order. ``lost_seconds``: of epochs that were done again after an
    interruption. ``retraced_seconds``: of epochs that the method itself went back over, which it pays for. ``seconds``: wall
    time up to the last line, all sessions added up. ``torn``: bytes of an unfinished last line."""

    header: dict[str, Any] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    result: Result | None = None
    lost_seconds: float = 0.0
    retraced_seconds: float = 0.0
    seconds: float = 0.0
    torn: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Fold one line in. Raises what malformed lines raise."""
        data = dict(row)
        kind, self.seconds = data.pop("type"), float(data.pop("t", self.seconds))
        if kind == "session":
            self.sessions.append(data)
            kept = int(data["from_epoch"])
            self.lost_seconds += sum(float(report["seconds"]) for report in self.epochs[kept:])
            del self.epochs[kept:]
        elif kind == "plan":
            self.plans.append(Plan.from_dict(data))
        elif kind == "epoch":
            kept = int(data["epoch"])
            if kept > len(self.epochs):
                raise ValueError(f"epoch {kept} follows {len(self.epochs)} epochs")
            self.retraced_seconds += sum(float(report["seconds"]) for report in self.epochs[kept:])
            del self.epochs[kept:]
            self.epochs.append(data)
        elif kind == "result":
            self.result = Result(**data)
        else:
            raise ValueError(f"unknown type {kind!r}")

    @property
    def device_seconds(self) -> float:
        """Of the epochs that count, and of those that the method went back over."""
        return sum(float(report["seconds"]) for report in self.epochs) + self.retraced_seconds


def is_supernet(folder: Path | str) -> bool:
    """Whether a run folder is that of a supernet search."""
    try:
        with open(Path(folder) / NAME, "rb") as file:
            row = json.loads(file.readline())
        return str(row.get("format")).startswith("supernet ")
    except (OSError, ValueError, AttributeError):
        return False


def already_begun(folder: Path) -> ConfigError:
    """What is said where a new search is to begin in the folder of another."""
    return ConfigError(
        f"{folder} already holds a run; go on with `ranknosh supernet --resume {folder}` or choose another --name"
    )


def read_record(folder: Path | str) -> Record:
    """The journal of a run folder, unchanged. Raises StoreError where it holds no supernet search or a line other than the last
    is damaged."""
    path = Path(folder) / NAME
    try:
        return _parsed(path, path.read_bytes())
    except FileNotFoundError:
        raise StoreError(
            f"{folder} holds no supernet search: it has no {NAME}. Give a folder that `ranknosh supernet` made, such as "
            "runs/darts-001"
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error


def _parsed(path: Path, data: bytes) -> Record:
    lines = data.split(b"\n")
    record = Record(torn=len(lines.pop()))
    for number, text in enumerate(lines, start=1):
        try:
            row = json.loads(text)
            if number == 1:
                record.header = _header(path, row)
            else:
                record.add(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if 1 < number == len(lines):
                record.torn += len(text) + 1
                break
            raise StoreError(
                f"{path} is damaged at line {number} of {len(lines)} ({error}). The lines before it are whole: copy the file "
                f"aside and keep only them (head -n {number - 1}), then `ranknosh supernet --resume {path.parent}` goes on"
            ) from error
    if not record.header:
        raise StoreError(f"{path} has no whole first line, so nothing of the search is known; delete {path.parent}")
    return record


def _header(path: Path, row: dict[str, Any]) -> dict[str, Any]:
    if row["type"] != "header" or not str(row.get("format")).startswith("supernet "):
        raise StoreError(
            f"{path} is not the journal of a supernet search; `ranknosh status {path.parent}` says what it holds"
        )
    if row["format"] != FORMAT:
        raise StoreError(f"{path} has format {row['format']!r}; this version reads {FORMAT!r}: upgrade ranknosh")
    return row


class Journal:
    """An open journal with the run folder's lock. ``record`` is kept up with what is written. Close it, or use ``with``."""

    def __init__(self, folder: Path, descriptor: int, record: Record) -> None:
        self.folder, self.record = folder, record
        self._descriptor = descriptor
        self._base, self._began = record.seconds, time.monotonic()

    @classmethod
    def create(cls, folder: Path, header: Mapping[str, Any]) -> Journal:
        """Begin in ``folder``, which is made. Raises ConfigError where it holds a run, StoreError where it cannot be written."""
        folder = Path(folder)
        line = json.dumps({"type": "header", "format": FORMAT, **header}, allow_nan=False) + "\n"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            append_synced(descriptor, line.encode())
            sync_folder(folder)
        except FileExistsError:
            raise already_begun(folder) from None
        except OSError as error:
            raise write_error(folder, error) from error
        return cls(folder, descriptor, Record(json.loads(line)))

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Go on with a search: take its lock and cut off a torn last line (``record.torn`` says how much).

        Raises ConfigError where another process holds it, and what :func:`read_record` and a failed write raise.
        """
        folder = Path(folder)
        if not (folder / NAME).is_file():
            read_record(folder)
        in_use = f"{folder} is in use by another process; wait for it, or stop it"
        return cls(folder, *reopen_locked(folder / NAME, lambda: read_record(folder), in_use))

    @property
    def seconds(self) -> float:
        """Seconds the search has run, all sessions added up."""
        return self._base + time.monotonic() - self._began

    def append(self, kind: str, row: Mapping[str, Any]) -> None:
        """Write one line of a kind and wait until it is on disk. Raises StoreFull or StoreError."""
        line = json.loads(json.dumps({"type": kind, **row, "t": round(self.seconds, 3)}, allow_nan=False))
        try:
            append_synced(self._descriptor, (json.dumps(line) + "\n").encode())
        except OSError as error:
            raise write_error(self.folder, error) from error
        self.record.add(line)

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
