"""The files that scores are kept in: one table, and beside it the journal it is made from and the page that shows it."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from ranknosh.errors import ConfigError, StoreError, StoreFull
from ranknosh.runs.files import replace_file


@dataclass(frozen=True)
class Outputs:
    table: Path
    journal: Path
    page: Path

    @classmethod
    def at(cls, table: Path, fresh: bool = False) -> Outputs:
        """The files of ``table``, a name ending in .csv. Raises ConfigError for another name, and where a table is there
        that no journal belongs to, unless it may be replaced (``fresh``)."""
        if table.suffix != ".csv" or table.is_dir():
            raise ConfigError(f"--out is {table}; it must be a file name ending in .csv, such as scores.csv")
        files = cls(table, table.with_suffix(".jsonl"), table.with_suffix(".html"))
        if table.exists() and not files.journal.exists() and not fresh:
            raise ConfigError(
                f"{table} is there already, without the journal {files.journal.name} that scores would be added to; give "
                "another --out, or --fresh to replace it"
            )
        return files


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or as it was before. Raises StoreFull or StoreError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> StoreError:
    """The error a user should see for a failed write of ``path``."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"the disk holding {path.parent} is full; what was scored before is intact. Free some space and give the same "
            "command again"
        )
    return StoreError(f"{path} cannot be written: {error.strerror or error}; give a file you may write with --out")
