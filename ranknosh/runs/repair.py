"""A damaged journal cut at its last good line, with a copy of it kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ranknosh.runs.files import sync_folder, write_synced, writing
from ranknosh.runs.folder import locked
from ranknosh.runs.journal import FILE, DamagedLine, Kinds, content, damaged, parse


@dataclass(frozen=True)
class DamagedEnd:
    """What :func:`repair` cuts off: ``lines`` and ``bytes`` from line ``number`` on, kept in ``copy`` once it is done."""

    number: int
    why: str
    lines: int
    bytes: int
    kept: int
    copy: Path


def find_damage(folder: Path, kinds: Kinds) -> DamagedEnd | None:
    """What makes a journal unreadable; None where it can be read.

    Raises:
        StoreError: where not even the first line can be read.
    """
    path, data = Path(folder) / FILE, content(folder)
    try:
        parse(data, kinds)
        return None
    except DamagedLine as damage:
        if damage.number == 1:
            raise damaged(path, damage) from None
        copies = (path.with_name(f"{FILE}.damaged-{number}") for number in count(1))
        copy = next(copy for copy in copies if not copy.exists())
        rest = data[damage.begins :]
        lines = rest.count(b"\n") + (not rest.endswith(b"\n"))
        return DamagedEnd(damage.number, damage.why, lines, len(rest), damage.begins, copy)


def repair(folder: Path, kinds: Kinds) -> DamagedEnd | None:
    """Cut a damaged journal at its last good line; the file as it was is kept in the same folder.

    Args:
        folder: of the run.
        kinds: the record classes of the header's workflow.

    Returns:
        What was cut off; None where nothing was wrong.

    Raises:
        ConfigError: where another process holds the run.
        StoreError: where the first line cannot be read, or the folder cannot be written.
    """
    folder = Path(folder)
    content(folder)  # a folder without a run gets no lock
    with locked(folder):
        damage = find_damage(folder, kinds)
        if damage is not None:
            with writing(folder):
                write_synced(damage.copy, content(folder))
                os.truncate(folder / FILE, damage.kept)
                sync_folder(folder)
        return damage
