"""A damaged journal cut at its last good line, with a copy of it kept."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ranknosh.runs.files import sync_folder, write_synced, writing
from ranknosh.runs.folder import locked
from ranknosh.runs.journal import FILE, DamagedLine, History, Kinds, content, damaged, parse


@dataclass(frozen=True)
class DamagedEnd:
    """What :func:`repair` cuts off: ``lines`` and ``bytes`` from line ``number`` on, kept in ``copy`` once it is done."""

    number: int
    why: str
    lines: int
    bytes: int
    kept: int
    copy: Path


def repair(folder: Path, kinds: Kinds, fold: Callable[[History], object], dry_run: bool = False) -> DamagedEnd | None:
    """Cut a damaged journal at its last good line; the file as it was is kept in the same folder.

    Args:
        folder: of the run.
        kinds: the record classes of the header's workflow.
        fold: puts the records together; raises DamagedLine for the first that contradicts those before it.
        dry_run: only find what would be cut off.

    Returns:
        What is cut off; None where nothing is wrong.

    Raises:
        ConfigError: where another process holds the run.
        StoreError: where the first line cannot be read, or the folder cannot be written.
    """
    path = Path(folder) / FILE
    content(path.parent)  # a folder without a run gets no lock
    with nullcontext() if dry_run else locked(path.parent):
        data = content(path.parent)
        try:
            fold(parse(data, kinds))
            return None
        except DamagedLine as damage:
            if damage.number == 1:
                raise damaged(path, damage) from None
            begins = sum(map(len, data.split(b"\n")[: damage.number - 1])) + damage.number - 1
            rest, copies = data[begins:], (path.with_name(f"{FILE}.damaged-{number}") for number in count(1))
            copy = next(copy for copy in copies if not copy.exists())
            lines = rest.count(b"\n") + (not rest.endswith(b"\n"))
            end = DamagedEnd(damage.number, damage.why, lines, len(rest), begins, copy)
        if not dry_run:
            with writing(path.parent):
                write_synced(end.copy, data)
                os.truncate(path, end.kept)
                sync_folder(path.parent)
        return end
