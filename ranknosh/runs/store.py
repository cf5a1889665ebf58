"""The journal of a run: append-only, one record a line, on disk before anything acts on it.

Line 1 is the header (format, resolved config, versions, git revision, seed). Every later line is a record with ``t``, the
seconds the search had run, all sessions added up. A torn last line (a process killed while writing) is cut off when the run
is opened to be continued; anything damaged before it is refused, because what follows it may depend on it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ranknosh.core.records import Record, Session, from_json, to_json
from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import append_synced, sync_folder, write_error

FORMAT = 1
NAME = "journal.jsonl"


@dataclass
class History:
    """What a journal holds. ``times[i]`` are the run's seconds at ``records[i]``; ``torn_bytes`` are an unfinished last line."""

    header: dict[str, Any]
    records: list[Record] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    torn_bytes: int = 0

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config with what later sessions changed (limits) written in."""
        config: dict[str, Any] = json.loads(json.dumps(self.header.get("config") or {}))
        for record in self.records:
            if isinstance(record, Session):
                for name, value in record.changes.items():
                    section, _, key = name.partition(".")
                    config.setdefault(section, {})[key] = value
        return config


def read_journal(folder: Path) -> History:
    """Read a run's journal without changing it.

    Raises StoreError where the folder holds no run, the format is a later one, or a line other than the last is damaged.
    """
    path = Path(folder) / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(
            f"{folder} holds no run: it has no {NAME}. Give a folder that `ranknosh search` made, such as runs/demo-001"
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error
    lines = data.split(b"\n")
    torn = len(lines.pop())
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not an object")
        except ValueError as error:
            if number == len(lines) and number > 1:
                torn += len(line) + 1
                break
            raise _damaged(path, number, len(lines), error) from error
        rows.append(row)
    if not rows or rows[0].get("type") != "header":
        raise StoreError(
            f"{path} does not begin with a header, so nothing of the run is known; if the run never started, delete {folder}"
        )
    kind = str(rows[0].get("format")).partition(" ")[0]
    if kind in ("supernet", "retrain"):
        raise StoreError(
            f"{folder} is the run of `ranknosh {kind}`, not of a search: its report.html tells where it stands, and `ranknosh "
            f"{kind} --resume {folder}` goes on with it"
        )
    if rows[0].get("format") != FORMAT:
        raise StoreError(
            f"{path} has format {rows[0].get('format')!r}; this version reads format {FORMAT}: upgrade ranknosh"
        )
    history = History(rows[0], torn_bytes=torn)
    for number, row in enumerate(rows[1:], start=2):
        try:
            history.records.append(from_json(row))
        except StoreError as error:
            raise _damaged(path, number, len(lines), error) from error
        history.times.append(float(row.get("t", 0.0)))
    return history


def _damaged(path: Path, number: int, total: int, why: object) -> StoreError:
    return StoreError(
        f"{path} is damaged at line {number} of {total} ({why}). The lines before it are whole: copy the file aside and keep "
        f"only them (head -n {number - 1}), then `ranknosh resume {path.parent}` goes on from there"
    )


class Journal:
    """An open journal with the run folder's lock. Use :meth:`create` or :meth:`open`, and close it (or use ``with``)."""

    def __init__(self, folder: Path, lock: IO[str], history: History) -> None:
        self.folder, self.history = folder, history
        self._lock = lock
        self._base = history.times[-1] if history.times else 0.0
        self._began = time.monotonic()
        self._descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_APPEND)

    @classmethod
    def create(cls, folder: Path, header: Mapping[str, Any]) -> Journal:
        """Start a run in ``folder``, which is made.

        Raises ConfigError where it holds a run already, StoreError where it cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = _lock(folder)
            line = json.dumps({"type": "header", "format": FORMAT, **header}, allow_nan=False) + "\n"
            try:
                descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                lock.close()
                raise ConfigError(
                    f"{folder} already holds a search; continue it with `ranknosh resume {folder}` or choose another --name"
                ) from None
            with os.fdopen(descriptor, "w") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(folder)
        except OSError as error:
            raise write_error(folder, error) from error
        return cls(folder, lock, History(json.loads(line)))

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Continue a run: take its lock and cut off a torn last line (``history.torn_bytes`` says how much)."""
        folder = Path(folder)
        if not (folder / NAME).exists():
            read_journal(folder)
        try:
            lock = _lock(folder)
        except OSError as error:
            raise write_error(folder, error) from error
        try:
            history = read_journal(folder)
            if history.torn_bytes:
                size = (folder / NAME).stat().st_size
                os.truncate(folder / NAME, size - history.torn_bytes)
            return cls(folder, lock, history)
        except OSError as error:
            lock.close()
            raise write_error(folder, error) from error
        except BaseException:
            lock.close()
            raise

    @property
    def seconds(self) -> float:
        """Seconds the search has run, all sessions added up."""
        return self._base + time.monotonic() - self._began

    def append(self, records: Iterable[Record]) -> None:
        """Write records and wait until they are on disk. Nothing is half-written where it raises StoreFull or StoreError."""
        stamp = round(self.seconds, 3)
        rows = list(records)
        if not rows:
            return
        text = "".join(json.dumps({**to_json(record), "t": stamp}, allow_nan=False) + "\n" for record in rows)
        try:
            append_synced(self._descriptor, text.encode())
        except OSError as error:
            raise write_error(self.folder, error) from error

    def close(self) -> None:
        os.close(self._descriptor)
        self._lock.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(folder: Path) -> IO[str]:
    """The run's lock, held while the file stays open and let go by the system when the process dies."""
    file = open(folder / ".lock", "a+")  # noqa: SIM115 - closed by Journal.close
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise ConfigError(
            f"{folder} is in use by another search (process {holder}); wait for it, stop it, or choose another --name"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
