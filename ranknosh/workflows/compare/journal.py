"""What a comparison knows, on disk: an append-only file, every line there before anything goes on.

Line 1 is the header: format, settings, config, data. ``session``: who goes on, with the methods and seeds asked for.
``searched``: how the search of one method and seed ended. ``trained``: a final training, of one canonical id under one seed,
whoever found it. A torn last line is cut off when the file is opened; the file is locked while it is open.
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
from ranknosh.runs.files import append_synced, sync_folder, write_error
from ranknosh.workflows.compare.final import Final
from ranknosh.workflows.compare.method import SearchOutcome

FORMAT = 1
NAME = "comparison.jsonl"


@dataclass
class Kept:
    """What a journal holds. ``searched``: by (method, seed); ``trained``: by (canonical id, seed). ``torn``: bytes of an
    unfinished last line."""

    header: dict[str, Any] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    searched: dict[tuple[str, int], SearchOutcome] = field(default_factory=dict)
    trained: dict[tuple[str, int], Final] = field(default_factory=dict)
    torn: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        if row["type"] == "session":
            self.sessions.append(dict(row))
        elif row["type"] == "searched":
            self.searched[row["method"], row["seed"]] = SearchOutcome.from_json(row["outcome"])
        elif row["type"] == "trained":
            self.trained[row["key"], row["seed"]] = Final.from_json(row["final"])
        else:
            raise ValueError(f"unknown type {row['type']!r}")


def read_comparison(folder: Path) -> Kept:
    """Read a comparison without changing it.

    Raises StoreError where the folder holds none, the format is a later one, or a line other than the last is damaged.
    """
    path = Path(folder) / NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(
            f"{folder} holds no comparison: it has no {NAME}. Give a folder that `ranknosh compare` made"
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error
    lines = data.split(b"\n")
    kept = Kept(torn=len(lines.pop()))
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if number == 1:
                kept.header = _header(path, row)
            else:
                kept.add(row)
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines) and number > 1:
                kept.torn += len(line) + 1
                break
            raise StoreError(
                f"{path} is damaged at line {number} of {len(lines)}. The lines before it are whole: copy the file aside and "
                f"keep only them (head -n {number - 1}), then give the same command with --resume"
            ) from error
    if not kept.header:
        raise StoreError(
            f"{path} has no finished first line, so nothing was compared yet; delete {folder} and begin anew"
        )
    return kept


def _header(path: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    if row["type"] != "header" or row.get("format") != FORMAT:
        raise StoreError(
            f"{path} has format {row.get('format')!r}; this version reads format {FORMAT}: upgrade ranknosh"
        )
    return dict(row)


class ComparisonJournal:
    """An open journal with the comparison's lock. Use :meth:`create` or :meth:`open`, and close it or use ``with``."""

    def __init__(self, folder: Path, descriptor: int, kept: Kept) -> None:
        self.folder, self.kept = folder, kept
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, header: Mapping[str, Any]) -> ComparisonJournal:
        """Begin a comparison in ``folder``. Raises ConfigError where it holds one, StoreError where it cannot be written."""
        path = folder / NAME
        if path.exists() and b"\n" in path.read_bytes():
            raise ConfigError(
                f"{folder} already holds a comparison; go on with `ranknosh compare {folder} --resume` or choose another --name"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            _lock(folder, descriptor)
            os.ftruncate(descriptor, 0)
            row = {"type": "header", "format": FORMAT, **header}
            append_synced(descriptor, _line(row))
            sync_folder(folder)
        except OSError as error:
            raise write_error(folder, error) from error
        return cls(folder, descriptor, Kept(row))

    @classmethod
    def open(cls, folder: Path) -> ComparisonJournal:
        """Go on with a comparison: take its lock and cut off a torn last line."""
        path = folder / NAME
        read_comparison(folder)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                _lock(folder, descriptor)
                kept = read_comparison(folder)
                if kept.torn:
                    os.ftruncate(descriptor, path.stat().st_size - kept.torn)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise write_error(folder, error) from error
        return cls(folder, descriptor, kept)

    def begin_session(self, session: Mapping[str, Any]) -> None:
        self._write({"type": "session", **session})

    def add_search(self, method: str, seed: int, outcome: SearchOutcome) -> None:
        self._write({"type": "searched", "method": method, "seed": seed, "outcome": outcome.to_json()})

    def add_final(self, key: str, seed: int, final: Final) -> None:
        self._write({"type": "trained", "key": key, "seed": seed, "final": final.to_json()})

    def _write(self, row: Mapping[str, Any]) -> None:
        """Write a line and wait until it is on disk. Raises StoreFull or StoreError with nothing half-written."""
        try:
            append_synced(self._descriptor, _line(row))
        except OSError as error:
            raise write_error(self.folder, error) from error
        self.kept.add(json.loads(_line(row)))

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> ComparisonJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(row: Mapping[str, Any]) -> bytes:
    return (json.dumps(row, allow_nan=False) + "\n").encode()


def _lock(folder: Path, descriptor: int) -> None:
    """Held while the file is open, and let go by the system when the process dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"{folder} is in use by another comparison; wait for it, stop it, or choose another --name"
        ) from None
