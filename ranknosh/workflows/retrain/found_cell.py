"""What is retrained: a cell of NAS-Bench-201 or a DARTS genotype, read from a text, a file or a run folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ranknosh.errors import ConfigError, RankNoshError, SpaceError, StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.genotype import Genotype, as_architecture, format_genotype, from_architecture
from ranknosh.spaces.genotype import parse as parse_genotype
from ranknosh.training.best import read_card
from ranknosh.workflows.search.run import SearchRun

_SHOWN = 80
_MOST_BYTES = 1_000_000
_PLACES = ("best/genotype.txt", "genotype.txt")
"""Where run folders keep the cell that they found or trained."""


@dataclass(frozen=True)
class FoundCell:
    """A cell as a code of its space (``nasbench201`` or ``darts``), and the text that other programs read."""

    architecture: Architecture
    text: str

    @property
    def space(self) -> str:
        return self.architecture.space

    @property
    def is_dead(self) -> bool:
        """True for a cell of NAS-Bench-201 that nothing passes through: its network stays at chance."""
        return self.space != "darts" and get_space(self.space).is_dead(self.architecture)


def as_found_cell(cell: Architecture | Genotype) -> FoundCell:
    """Raises SpaceError for an architecture or a genotype that has no network."""
    if isinstance(cell, Architecture):
        if cell.space != "darts":
            return FoundCell(cell, get_space(cell.space).format(cell))
        cell = from_architecture(cell)
    if len(cell.normal) != len(cell.reduce):
        raise SpaceError(
            f"the normal cell has {len(cell.normal) // 2} nodes and the reduction cell {len(cell.reduce) // 2}; a network "
            "of both needs equal numbers"
        )
    for kind in ("normal", "reduce"):
        cell.edges(kind)
    return FoundCell(as_architecture(cell), format_genotype(cell))


def parse_cell(text: str) -> FoundCell:
    """A NAS-Bench-201 string (``|op~0|+...``) or a DARTS ``Genotype(...)``. Raises SpaceError on anything else."""
    stripped = text.strip()
    if stripped.startswith("|"):
        return as_found_cell(get_space("nasbench201").parse(stripped))
    if "Genotype" in stripped:
        return as_found_cell(parse_genotype(stripped))
    shown = stripped if len(stripped) <= _SHOWN else stripped[:_SHOWN] + "..."
    raise SpaceError(
        f"{shown!r} is no cell: a NAS-Bench-201 string begins with '|' (|nor_conv_3x3~0|+|...), a DARTS one reads "
        "Genotype(normal=[...], normal_concat=[...], reduce=[...], reduce_concat=[...])"
    )


def read_cell(given: str) -> FoundCell:
    """The cell of a text, of a file that holds one (lines with ``#`` and blank ones are skipped), or of a run folder's best.

    Raises SpaceError for a text that is no cell, ConfigError for a name that nothing has, StoreError for a folder without one.
    """
    if "(" in given or "|" in given:
        return parse_cell(given)
    path = Path(given).expanduser()
    if path.is_dir():
        return _from_folder(path)
    if path.is_file():
        return _from_file(path)
    if os.sep in given or path.suffix or "~" not in given:
        raise ConfigError(
            f"{given} is neither a cell nor a file or folder that is there; give a NAS-Bench-201 string, a DARTS "
            "Genotype(...), a file that holds one, or a run folder such as runs/demo-001"
        )
    return parse_cell(given)


def _from_file(path: Path) -> FoundCell:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path} is too large to hold a genotype; give a text file with one")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {reason}; give a text file that holds one genotype") from error
    try:
        return parse_cell("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    except SpaceError as error:
        raise SpaceError(f"{path}: {error}") from error


def _from_folder(folder: Path) -> FoundCell:
    card = read_card(folder)
    if card is not None:
        return parse_cell(card["architecture"])
    for place in _PLACES:
        if (folder / place).is_file():
            return _from_file(folder / place)
    try:
        best = SearchRun.read(folder).best
    except RankNoshError as error:
        raise StoreError(
            f"{folder} holds no cell: it has neither {' nor '.join(_PLACES)}, and it is no search ({error})"
        ) from error
    if best is None:
        raise StoreError(f"{folder} has no trained candidate yet; continue it with `ranknosh resume {folder}`")
    return parse_cell(best.text)
