"""What is retrained: a cell of NAS-Bench-201 or a DARTS genotype, read from a text, a file or a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError, SpaceError, StoreError
from ranknosh.runs.journal import FILE
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.genotype import Genotype, as_architecture, format_genotype, from_architecture
from ranknosh.spaces.genotype import parse as parse_genotype
from ranknosh.workflows import open_run

if TYPE_CHECKING:
    from ranknosh.runs.run import Run

_SHOWN = 80
_MOST_BYTES = 1_000_000
_PLACES = ("genotype.txt", "best/genotype.txt")
"""Where a folder without a journal, such as a copy of a run's ``best/``, may hold a cell."""


def cell_text(cell: Architecture | Genotype) -> str:
    """The text that other programs read, of a cell of NAS-Bench-201 or of the DARTS space."""
    if isinstance(cell, Architecture):
        if cell.space != "darts":
            return get_space(cell.space).format(cell)
        cell = from_architecture(cell)
    return format_genotype(cell)


def parse_cell(text: str) -> Architecture:
    """The cell of a NAS-Bench-201 string (``|op~0|+...``) or a DARTS ``Genotype(...)``, whose space is ``darts``.

    Raises SpaceError on anything else, and for a genotype that has no network.
    """
    stripped = text.strip()
    if stripped.startswith("|"):
        return get_space("nasbench201").parse(stripped)
    if "Genotype" not in stripped:
        shown = stripped if len(stripped) <= _SHOWN else stripped[:_SHOWN] + "..."
        raise SpaceError(
            f"{shown!r} is no cell: a NAS-Bench-201 string begins with '|' (|nor_conv_3x3~0|+|...), a DARTS one reads "
            "Genotype(normal=[...], normal_concat=[...], reduce=[...], reduce_concat=[...])"
        )
    cell = parse_genotype(stripped)
    if len(cell.normal) != len(cell.reduce):
        raise SpaceError(
            f"the normal cell has {len(cell.normal) // 2} nodes and the reduction cell {len(cell.reduce) // 2}; a network "
            "of both needs equal numbers"
        )
    for kind in ("normal", "reduce"):
        cell.edges(kind)  # raises where two operations share an edge
    return as_architecture(cell)


def read_cell(given: str) -> tuple[Architecture, Run[Any] | None]:
    """The cell of a text, of a file that holds one (lines with ``#`` and blank ones are skipped), of a run folder, or of a copy
    of its ``best/``.

    Args:
        given: the text, or the path.

    Returns:
        The cell, a run's best, and the run where there is one.

    Raises:
        SpaceError: for a text that is no cell.
        ConfigError: for a name that nothing has.
        StoreError: for a folder without a cell.
    """
    if "(" in given or "|" in given:
        return parse_cell(given), None
    path = Path(given).expanduser()
    if path.is_dir():
        texts = [path / place for place in _PLACES if (path / place).is_file()]
        if (path / FILE).exists() or not texts:
            return _of_run(path)
        path = texts[0]
    if path.is_file():
        return _of_file(path), None
    raise ConfigError(
        f"{given} is neither a cell nor a file or folder that is there; give a NAS-Bench-201 string, a DARTS "
        "Genotype(...), a file that holds one, or a run folder such as runs/demo-001"
    )


def _of_file(path: Path) -> Architecture:
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


def _of_run(folder: Path) -> tuple[Architecture, Run[Any]]:
    try:
        run = open_run(folder)
    except StoreError as error:
        raise StoreError(f"{folder} holds no cell: {error}") from error
    # What a retraining trains, or a supernet derived last, is in its status before any result.
    text = (run.top(1) or [run.status()])[0].get("architecture")
    if text is None:
        found = f"nothing is found yet in this run of {run.WORKFLOW}; continue it with `ranknosh resume {folder}`, or"
        if run.ended:
            found = f"no single one came of this run of {run.WORKFLOW};"
        raise StoreError(f"{folder} holds no cell: {found} give the folder of one search")
    return parse_cell(text), run
