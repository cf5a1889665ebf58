"""The journal of a retraining: ``journal.jsonl``, append-only, a line an epoch, on disk before anything is told of it.

Line 1 is the header (format, resolved config, architecture, versions, data). ``session`` lines say who trained what follows,
``epoch`` lines are the learning curve, a ``result`` line ends it. An epoch that was done again after an interruption has
several lines, of which the last counts. A torn last line is cut off when the journal is opened; it is locked while it is open.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import append_synced, reopen_locked, sync_folder, write_error
from ranknosh.workflows.retrain.outcome import EpochLine, Retrained

FORMAT = "retrain 1"
NAME = "journal.jsonl"


@dataclass
class Record:
    """What is known of a retraining. ``seconds``: device time of all epochs, those done again too. ``torn``: bytes of an
    unfinished last line."""

    header: dict[str, Any] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[int, EpochLine] = field(default_factory=dict)
    result: Retrained | None = None
    seconds: float = 0.0
    torn: int = 0

    def add(self, line: EpochLine) -> None:
        """Take in an epoch; whatever was known of it and of later ones is done again."""
        self.lines = {epoch: known for epoch, known in self.lines.items() if epoch < line.epoch}
        self.lines[line.epoch] = line
        self.seconds += line.seconds

    @property
    def curve(self) -> tuple[EpochLine, ...]:
        return tuple(self.lines[epoch] for epoch in sorted(self.lines))


def read_record(folder: Path) -> Record:
    """The journal of a run folder, unchanged. Raises StoreError where the folder holds no retraining or a line other than the
    last is damaged."""
    path = Path(folder) / NAME
    try:
        return _parsed(path, path.read_bytes())
    except FileNotFoundError:
        raise StoreError(
            f"{folder} holds no retraining: it has no {NAME}. Give a folder that `ranknosh retrain` made, such as "
            "runs/retrain-001"
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error


def _parsed(path: Path, data: bytes) -> Record:
    lines = data.split(b"\n")
    record = Record(torn=len(lines.pop()))
    for number, text in enumerate(lines, start=1):
        try:
            row = json.loads(text)
            kind = row.pop("type")
            if number == 1:
                record.header = _header(path, kind, row)
            elif kind == "session":
                record.sessions.append(row)
            elif kind == "epoch":
                record.add(EpochLine(**row))
            elif kind == "result":
                record.result = Retrained(**row)
            else:
                raise ValueError(f"unknown type {kind!r}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if 1 < number == len(lines):
                record.torn += len(text) + 1
                break
            raise StoreError(
                f"{path} is damaged at line {number} of {len(lines)} ({error}). The lines before it are whole: copy the file "
                f"aside and keep only them (head -n {number - 1}), then `ranknosh retrain --resume {path.parent}` goes on from "
                "there"
            ) from error
    if not record.header:
        raise StoreError(f"{path} has no whole first line, so nothing of the retraining is known; delete {path.parent}")
    return record


def _header(path: Path, kind: str, row: dict[str, Any]) -> dict[str, Any]:
    if kind != "header" or not str(row.get("format")).startswith("retrain "):
        raise StoreError(
            f"{path} is not the journal of a retraining; `ranknosh status {path.parent}` says what it holds"
        )
    if row["format"] != FORMAT:
        raise StoreError(f"{path} has format {row['format']!r}; this version reads {FORMAT!r}: upgrade ranknosh")
    return row


class Journal:
    """An open journal with the run folder's lock. ``record`` is kept up with what is written. Close it, or use ``with``."""

    def __init__(self, folder: Path, descriptor: int, record: Record) -> None:
        self.folder, self.record = folder, record
        self._descriptor = descriptor

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
            raise ConfigError(
                f"{folder} already holds a run; go on with `ranknosh retrain --resume {folder}` or choose another --name"
            ) from None
        except OSError as error:
            raise write_error(folder, error) from error
        return cls(folder, descriptor, Record({"format": FORMAT, **json.loads(line)}))

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Go on with a retraining: take its lock and cut off a torn last line.

        Raises ConfigError where another process holds it, and what :func:`read_record` and a failed write raise.
        """
        folder = Path(folder)
        if not (folder / NAME).is_file():
            read_record(folder)
        in_use = f"{folder} is being retrained by another process; wait for it or stop it"
        return cls(folder, *reopen_locked(folder / NAME, lambda: read_record(folder), in_use))

    def begin_session(self, session: Mapping[str, Any]) -> None:
        """Write down who trains from here on. Raises StoreFull or StoreError, as the next two do."""
        self._write({"type": "session", **session})
        self.record.sessions.append(dict(session))

    def append(self, line: EpochLine) -> None:
        """Write an epoch and wait until it is on disk."""
        self._write({"type": "epoch", **line.as_dict()})
        self.record.add(line)

    def end(self, result: Retrained) -> None:
        """Write the result, after which nothing follows."""
        self._write({"type": "result", **result.as_dict()})
        self.record.result = result

    def _write(self, row: Mapping[str, Any]) -> None:
        try:
            append_synced(self._descriptor, (json.dumps(row, allow_nan=False) + "\n").encode())
        except OSError as error:
            raise write_error(self.folder, error) from error

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
