"""Texts as tokens: characters, of which each is learned from those before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ranknosh.config.learning import DataConfig
from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.folder import require_path
from ranknosh.tasks.data.layout import NAMED_PARTS
from ranknosh.tasks.data.reading import reason
from ranknosh.tasks.data.source import build
from ranknosh.tasks.data.targets import Array

ENDING = ".txt"
LENGTH = 64
"""Characters of a piece, where ``data.options`` have no ``length``."""


def holds_text(folder: str) -> bool:
    """Whether ``data.folder`` is a text, or a folder of texts and of no other folders."""
    path = Path(folder).expanduser()
    if not path.is_dir():
        return path.suffix.lower() == ENDING
    try:
        inside = list(path.iterdir())
    except OSError:  # whoever reads it says why it cannot be listed
        return False
    return any(_is_text(one) for one in inside) and not any(one.is_dir() for one in inside)


def load_text(folder: str, section: DataConfig, seed: int) -> Data:
    """The pieces of UTF-8 texts: inputs (n, length) of characters, numbered in the order of their code points, and as targets the
    characters one place on. The characters are the names of the classes.

    Args:
        folder: a ``.txt`` file, or a folder of them; files called train, validation and test are these parts, else all are
            one set, in the order of their names.
        section: how it is divided; ``options`` may have ``length``.
        seed: of the division, which is by pieces.

    Raises:
        ConfigError: for a length that is none.
        DataError: for texts that cannot be read, or are too short.
    """
    path, length = Path(folder).expanduser(), section.options.get("length", LENGTH)
    if type(length) is not int or length < 1:
        raise ConfigError(
            f"data.options.length is {length!r}; it is the number of characters of a piece, such as {LENGTH}"
        )
    require_path(path, "data.folder")
    files = [path] if path.is_file() else sorted(filter(_is_text, path.iterdir()))
    owners = {file: NAMED_PARTS.get(file.stem.lower()) for file in files}
    divided = "train" in owners.values()
    texts: dict[str, str] = {}
    for file, part in owners.items():
        if divided and part is None:
            raise DataError(f"data.folder {path}: {file.name} stands beside the parts of a set; move it away")
        known = part if divided and part is not None else "train"
        texts[known] = texts.get(known, "") + _read(file)
    pieces = {part: np.frombuffer(text.encode("utf-32-le"), np.uint32) for part, text in texts.items()}
    for part, points in pieces.items():
        if len(points) <= length:
            raise DataError(
                f"data.folder {path}: the {part} text has {len(points):,} characters, no piece of {length} and the one after "
                "it; give more text, or a smaller data.options.length"
            )
    alphabet = np.unique(np.concatenate(list(pieces.values())))
    numbers = {part: np.searchsorted(alphabet, points).astype(np.int64) for part, points in pieces.items()}
    inputs = {part: _cut(found[:-1], length) for part, found in numbers.items()}
    targets = {part: _cut(found[1:], length) for part, found in numbers.items()}
    names = tuple(map(chr, alphabet.tolist()))
    return build(
        f"data.folder {path}",
        names,
        targets,
        lambda part, kept: torch.from_numpy(inputs[part][kept]),
        section,
        seed,
        title=path.name,
    )


def _cut(numbers: Array, length: int) -> Array:
    """(n, length): whole pieces, the rest left out."""
    return numbers[: len(numbers) // length * length].reshape(-1, length)


def _is_text(path: Path) -> bool:
    return path.suffix.lower() == ENDING and path.is_file()


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError(f"data.folder: {file} cannot be read: {why}; give UTF-8 text") from error
