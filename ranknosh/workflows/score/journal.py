"""Scores on disk: an append-only file, one line a scored network, each there before the next one is waited for.

Line 1 is the header: format, the settings that every score depends on, the data. A ``session`` line says who scored what
follows (versions, device, proxies and their options). A ``scores`` line holds what one network had under some proxies; a
later line for the same architecture adds to it. A torn last line is cut off when the file is opened; the file is locked while
it is open.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.files import append_synced, sync_folder
from ranknosh.workflows.score.outputs import unwritable

FORMAT = 1
FLAGS = {
    "network.channels": "--channels",
    "network.cells": "--cells",
    "seed": "--seed",
    "batch": "--batch",
    "device": "--device",
    "data": "--data",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one network. ``text``: its architecture, ``key`` the canonical id of that. ``values`` holds None where
    there is a reason, ``seconds`` the time of each proxy."""

    key: str
    text: str
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]
    seconds: Mapping[str, float]

    def with_more(self, later: Entry) -> Entry:
        """What ``later`` holds takes the place of what is here."""
        return Entry(
            self.key,
            self.text,
            {**self.values, **later.values},
            {**{name: why for name, why in self.reasons.items() if name not in later.values}, **later.reasons},
            {**self.seconds, **later.seconds},
        )


@dataclass
class Kept:
    """What a file of scores holds. ``torn``: bytes of an unfinished last line."""

    header: dict[str, Any] | None = None
    sessions: list[dict[str, Any]] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    torn: int = 0

    def add(self, entry: Entry) -> None:
        known = self.entries.get(entry.text)
        self.entries[entry.text] = known.with_more(entry) if known else entry

    def options(self) -> dict[str, Mapping[str, Any]]:
        """The options that each proxy with values in here was scored under."""
        scored = {name for entry in self.entries.values() for name in entry.values}
        return {
            name: session.get("options", {}).get(name, {})
            for session in self.sessions
            for name in session.get("proxies", ())
            if name in scored
        }


def read_scores(path: Path, data: bytes) -> Kept:
    """``data`` of the file ``path``. Raises StoreError where a line other than the last is damaged, ConfigError where it is no
    file of scores."""
    kept = Kept()
    lines = data.split(b"\n")
    kept.torn = len(lines.pop())
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            kind = row["type"]
            if number == 1:
                kept.header = _header(path, row)
            elif kind == "session":
                kept.sessions.append(row)
            else:
                kept.add(Entry(row["key"], row["architecture"], row["values"], row["reasons"], row["seconds"]))
        except (ValueError, KeyError, TypeError) as error:
            if number == 1:
                raise _foreign(path) from error
            if number == len(lines):
                kept.torn += len(line) + 1
                break
            raise StoreError(
                f"{path} is damaged at line {number} of {len(lines)}. The lines before it are whole: copy the file aside and "
                f"keep only them (head -n {number - 1}), or start anew with --fresh"
            ) from error
    return kept


def _header(path: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    if row["type"] != "header" or "settings" not in row:
        raise _foreign(path)
    if row.get("format") != FORMAT:
        raise StoreError(
            f"{path} has format {row.get('format')!r}; this version reads format {FORMAT}: upgrade ranknosh"
        )
    return dict(row)


def _foreign(path: Path) -> ConfigError:
    return ConfigError(f"{path} is no file of scores; move it away or give another --out")


class ScoreJournal:
    """An open file of scores. Use :meth:`open` and close it, or use ``with``."""

    def __init__(self, path: Path, descriptor: int, kept: Kept) -> None:
        self.path, self.kept = path, kept
        self._descriptor = descriptor

    @classmethod
    def open(
        cls, path: Path, header: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]], fresh: bool = False
    ) -> ScoreJournal:
        """Go on with the file at ``path``, or begin it (again, where ``fresh``).

        header: with ``settings`` (by dotted name). options: of every proxy that will be asked for. Raises ConfigError where the
        file was begun with other ones, belongs to another process, or is no file of scores; StoreError where it is damaged or
        cannot be written.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            _lock(path, descriptor)
            data = _content(descriptor)
            kept = _begun(path, data, fresh)
            if kept.header is None:
                os.ftruncate(descriptor, 0)
                _append(descriptor, [{"type": "header", "format": FORMAT, **header}])
                sync_folder(path.parent)
                return cls(path, descriptor, Kept(dict(header)))
            check_agrees(path, kept, header["settings"], options)
            if kept.torn:
                os.ftruncate(descriptor, len(data) - kept.torn)
            return cls(path, descriptor, kept)
        except OSError as error:
            os.close(descriptor)
            raise unwritable(path, error) from error
        except BaseException:
            os.close(descriptor)
            raise

    def begin_session(self, session: Mapping[str, Any]) -> None:
        """Write down who scores from here on. Raises StoreFull or StoreError."""
        row = {"type": "session", **session}
        self._write([row])
        self.kept.sessions.append(row)

    def append(self, entry: Entry) -> None:
        """Write one network's scores and wait until they are on disk. Raises StoreFull or StoreError."""
        row = {
            "type": "scores",
            "key": entry.key,
            "architecture": entry.text,
            "values": dict(entry.values),
            "reasons": dict(entry.reasons),
            "seconds": dict(entry.seconds),
        }
        self._write([row])
        self.kept.add(entry)

    def _write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        try:
            _append(self._descriptor, rows)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> ScoreJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_agrees(path: Path, kept: Kept, settings: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ConfigError naming the first setting, or option of a proxy that has values, that differs from the file's."""
    assert kept.header is not None
    begun = kept.header["settings"]
    for name, value in settings.items():
        if begun.get(name) != value:
            flag = FLAGS.get(name)
            back = f"take it back ({flag} {begun.get(name)})" if flag and name != "data" else "take it back"
            raise _other(path, kept, name, begun.get(name), value, back)
    for proxy, before in kept.options().items():
        now = options.get(proxy, before)
        for option in sorted({*before, *now}):
            if before.get(option) != now.get(option):
                name = f"the option {proxy}.{option}"
                raise _other(path, kept, name, before.get(option), now.get(option), "take it back (--option)")


def _other(path: Path, kept: Kept, name: str, before: Any, now: Any, back: str) -> ConfigError:
    scored = len(kept.entries)
    return ConfigError(
        f"{path} was begun with {name} {before}, and this is {now}: scores of the two cannot be compared. Go on as it was "
        f"begun: {back}; or write elsewhere with --out; or start anew with --fresh, which drops the "
        f"{scored} network{'' if scored == 1 else 's'} scored"
    )


def _begun(path: Path, data: bytes, fresh: bool) -> Kept:
    """What the file holds, nothing where it is to begin anew or its header was never finished."""
    if b"\n" not in data:
        if data and not data.startswith(b'{"type": "header"'[: len(data)]):
            raise _foreign(path)
        return Kept()
    if fresh:
        read_scores(path, data[: data.index(b"\n") + 1])  # somebody else's file is not dropped
        return Kept()
    return read_scores(path, data)


def _content(descriptor: int) -> bytes:
    parts = []
    os.lseek(descriptor, 0, os.SEEK_SET)
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _append(descriptor: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Nothing is half-written where it raises OSError."""
    append_synced(descriptor, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode())


def _lock(path: Path, descriptor: int) -> None:
    """Held while the file is open, and let go by the system when the process dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"{path} is in use by another process that scores; wait for it, stop it, or give another --out"
        ) from None
