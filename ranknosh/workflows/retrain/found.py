"""What is retrained: an architecture, read from a text, a file or a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError, SpaceError, StoreError, to_type
from ranknosh.runs.journal import FILE
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import has_form, space_reading
from ranknosh.workflows import open_run

if TYPE_CHECKING:
    from ranknosh.config.learning import SpaceConfig
    from ranknosh.runs.run import Run

_MOST_BYTES = 1_000_000
_PLACES = ("genotype.txt", "best/genotype.txt")
"""Where a folder without a journal, such as a copy of a run's ``best/``, may hold a cell."""


@dataclass(frozen=True)
class FoundArchitecture:
    """What is retrained.

    Args:
        space: that the architecture is of, as wide as it has to be.
        architecture: of that space.
        spelled: the name by which the space is found.
        run: whose best it is, where it is one's.
    """

    space: Space
    architecture: Architecture
    spelled: str
    run: Run[Any] | None = None


def read_found(given: str) -> FoundArchitecture:
    """The architecture of an exchange string, of a file that holds one (lines with ``#`` and blank ones are skipped), of a run
    folder (its best), or of a copy of its ``best/``.

    Args:
        given: the text, or the path.

    Raises:
        SpaceError: for a text that is no architecture.
        ConfigError: for a name that nothing has.
        StoreError: for a folder without an architecture.
    """
    if any(sign in given for sign in "(|{"):
        return _of_text(given)
    path = _there(given)
    if path is None:
        if has_form(given):
            return _of_text(given)
        shown = given if 0 < len(given) <= 80 and given.isprintable() else f"{given[:80]!r}"
        raise ConfigError(
            f"{shown} is neither an architecture nor a file or folder that is there; give the text of an architecture, such as "
            "a DARTS Genotype(...), a file that holds one, or a run folder such as runs/demo-001"
        )
    if path.is_file():
        return _of_file(path)
    texts = [path / place for place in _PLACES if (path / place).is_file()]
    return _of_run(path) if (path / FILE).exists() or not texts else _of_file(texts[0])


def read_several(given: str, count: int) -> tuple[FoundArchitecture, list[str]]:
    """The best few of a run, as texts, and the first of them in a space that holds all; of several objectives the front's alone.

    Args:
        given: as :func:`read_found` takes it; for more than one it names a run folder.
        count: how many at most.

    Raises:
        ConfigError: more than one is wanted of what is no run.
    """
    found = read_found(given)
    if count == 1:
        return found, [found.space.format(found.architecture)]
    if found.run is None:
        raise ConfigError(
            f"{given} is one architecture, and {count} are wanted; give a run folder, such as runs/demo-001"
        )
    rows = [row for row in found.run.top(count) if row.get("architecture") is not None]
    if any(row.get("front") == "yes" for row in rows):
        rows = [row for row in rows if row["front"] == "yes"]
    space = found.space
    for row in rows:
        space = space.holding(row["architecture"])
    several = {space.canonical(one): one for one in (space.parse(row["architecture"]) for row in reversed(rows))}
    texts = [space.format(one) for one in reversed(several.values())] or [space.format(found.architecture)]
    spelled = found.spelled if space == found.space else space.title
    return FoundArchitecture(space, space.parse(texts[0]), spelled, found.run), texts


def _there(given: str) -> Path | None:
    """The file or folder of that name; None where there is none, and for what can be no name of one."""
    try:
        path = Path(given).expanduser()
        return path if given and (path.is_dir() or path.is_file()) else None
    except (OSError, RuntimeError):  # a name that is too long, a home folder of nobody
        return None


def _of_text(text: str) -> FoundArchitecture:
    space = space_reading(text)
    return FoundArchitecture(space, space.parse(text), space.title)


def _of_file(path: Path) -> FoundArchitecture:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path} is too large to hold a genotype; give a text file with one")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {reason}; give a text file that holds one genotype") from error
    try:
        lines = text.removeprefix("\ufeff").splitlines()
        return _of_text("\n".join(line for line in lines if not line.lstrip().startswith("#")))
    except SpaceError as error:
        raise SpaceError(f"{path}: {error}") from error


def _of_run(folder: Path) -> FoundArchitecture:
    try:
        run = open_run(folder)
    except StoreError as error:
        raise StoreError(f"{folder} holds no architecture: {error}") from error
    # What a retraining trains, or a supernet derived last, is in its status before any result.
    text = (run.top(1) or [run.status()])[0].get("architecture")
    if text is None:
        found = (
            f"nothing is found yet in this run of {run.WORKFLOW}; continue it with `{to_type('resume', folder)}`, or"
        )
        if run.ended:
            found = f"no single one came of this run of {run.WORKFLOW};"
        raise StoreError(f"{folder} holds no architecture: {found} give the folder of one search")
    searched: SpaceConfig = run.settings.space  # type: ignore[attr-defined]  # every workflow has such a section
    space = searched.make()
    wide = space.holding(text)
    return FoundArchitecture(wide, wide.parse(text), searched.name if wide == space else wide.title, run)
