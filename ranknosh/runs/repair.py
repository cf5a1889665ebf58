"""A damaged journal cut at its last good line, with a copy of it kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ranknosh.runs.files import sync_folder, write_error, write_synced
from ranknosh.runs.folder import RunLock
from ranknosh.runs.journal import FILE, DamagedLine, Kinds, damaged, parse, read_history


@dataclass(frozen=True)
class Damage:
    """What :func:`repair` cuts off: ``lines`` and ``bytes`` from line ``number`` on, kept in ``copy`` once it is done."""

    number: int
    why: str
    lines: int
    bytes: int
    kept: int
    copy: Path


def find_damage(folder: Path, kinds: Kinds) -> Damage | None:
    """What stands in the way of reading a journal; None where it reads.

    Raises:
        StoreError: where not even the first line can be read.
    """
    path = Path(folder) / FILE
    if not path.exists():
        read_history(folder, kinds)
    data = path.read_bytes()
    try:
        parse(data, kinds)
        return None
    except DamagedLine as damage:
        if damage.number == 1:
            raise damaged(path, damage) from None
        numbers = (number for number in range(1, 10_000) if not path.with_name(f"{FILE}.damaged-{number}").exists())
        rest = data[damage.begins :]
        copy = path.with_name(f"{FILE}.damaged-{next(numbers)}")
        return Damage(
            damage.number, damage.why, rest.count(b"\n") + (not rest.endswith(b"\n")), len(rest), damage.begins, copy
        )


def repair(folder: Path, kinds: Kinds) -> Damage | None:
    """Cut a damaged journal at its last good line; the file as it was is kept beside it.

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
    find_damage(folder, kinds)
    lock = RunLock(folder)
    try:
        damage = find_damage(folder, kinds)
        if damage is not None:
            write_synced(damage.copy, (folder / FILE).read_bytes())
            os.truncate(folder / FILE, damage.kept)
            sync_folder(folder)
        return damage
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        lock.release()
