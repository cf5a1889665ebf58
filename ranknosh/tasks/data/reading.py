"""What is read of a disk: regular files only, and no more of one than is known before it is read."""

import csv
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from ranknosh.errors import DataError, first_line

MOST_BYTES = 2**28
"""Of one picture's file. The largest that is decoded has fewer where it is packed at all."""
_NAMED, _LONGEST = 5, 120
"""Broken files of a part that are named, and letters of the reason of each."""
READ_ERRORS = (
    *(OSError, EOFError, RuntimeError, KeyError, ValueError, NotImplementedError, OverflowError, struct.error),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)
"""What reading a damaged, locked or missing file or archive raises."""


def require_path(path: Path, key: str) -> None:
    """See that a path can be read.

    Args:
        path: a file or folder.
        key: what it is given as, for messages.

    Raises:
        DataError: where it does not exist (with the nearest folder that does), cannot be looked at, or is neither a regular file
            nor a folder, so that reading it might never end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise _missing(path, key) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise DataError(f"{key} {path} cannot be read: {reason(error)}; check the path and its permissions") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{key} {path} is a device or a pipe; give a file or a folder")


def _missing(path: Path, key: str) -> DataError:
    nearest = next(folder for folder in path.absolute().parents if folder.is_dir())
    try:
        names = sorted(entry.name for entry in nearest.iterdir() if not entry.name.startswith("."))
    except OSError:
        names = []
    shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "") if names else "nothing"
    remedy = f"; say where it is with --set {key}=PATH" if key.startswith(("data.", "costs.")) else ""
    return DataError(
        f"{key} {path} does not exist; the nearest folder that does is {nearest}, which holds {shown}{remedy}"
    )


def read_csv(path: Path, key: str) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a csv file of UTF-8 text, with or without a byte order mark, and its rows, with a text for every column.

    Args:
        path: of the file.
        key: what it is given as, for messages.

    Raises:
        DataError: where it is missing or unreadable, names a column twice, or a row has more fields than there are columns.
    """
    require_path(path, key)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            names, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        cause = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else reason(error)
        raise DataError(f"{key} {path} cannot be read as csv: {cause}") from error
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{key} {path} names the column {twice[0]!r} twice; give every column a name of its own")
    for number, row in enumerate(rows, 1):
        if len(row) > len(names):
            raise DataError(
                f"{key} {path}: row {number} has more fields than there are columns ({', '.join(names)}); texts that hold a "
                "comma stand in quotes"
            )
    return names, rows


def read_picture(path: Path) -> bytes:
    """The content of a file. Raises ValueError where it is no picture by its kind or size, OSError where it cannot be read."""
    if path.is_symlink() and not path.exists():
        raise ValueError("it is a link whose target is gone")
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise ValueError("it is a device or a pipe, no file")
    check_size(state.st_size)
    return path.read_bytes()


def check_size(size: int) -> None:
    """Raises ValueError where a file of ``size`` bytes is no picture."""
    if size > MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes, and a picture at most {MOST_BYTES:,}; remove it or store it smaller")


class BrokenFiles(DataError):
    """Pictures of one part that cannot be used.

    Args:
        where: they lie; begins messages.
        files: why each cannot be used, by its name.
    """

    def __init__(self, where: str, files: Mapping[str, str]) -> None:
        super().__init__(where, files)

    @property
    def files(self) -> Mapping[str, str]:
        """Why each cannot be used, by its name."""
        files: Mapping[str, str] = self.args[1]
        return files

    def __str__(self) -> str:
        return broken_text(self.args[0], {"": self.files})


def broken_text(where: str, parts: Mapping[str, Mapping[str, str]], count: int | None = None) -> str:
    """What is said of pictures that cannot be used.

    Args:
        where: they lie.
        parts: why each cannot be used, by part and name; of many the first few of each part are named.
        count: pictures that were to be used, where that is known.
    """
    total = sum(map(len, parts.values()))
    told = []
    for part, files in parts.items():
        named = ", ".join(f"{name} ({why})" for name, why in list(files.items())[:_NAMED])
        more = f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
        told.append(f"{len(files):,} of {part}: {named}{more}" if part else named + more)
    of = f" of {count:,}" if count is not None else ""
    whole = "; ".join(told)
    if total == 1 and count is None:
        return f"{where}: {whole} cannot be read; replace or remove it"
    return f"{where}: {total:,}{of} pictures cannot be read; {whole}; replace or remove them"


def why_not(error: BaseException) -> str:
    """Why a picture cannot be used: what reading it raised."""
    return f"{reason(error)}: check its permissions" if isinstance(error, PermissionError) else reason(error)


def reason(error: BaseException) -> str:
    """An error in few words."""
    text = str(getattr(error, "strerror", None) or first_line(error)).split("<_io")[0].strip()
    return (text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...") or type(error).__name__
