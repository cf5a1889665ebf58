"""Tables of finished trainings that come with the package, by their names."""

from pathlib import Path

from ranknosh.errors import DataError, did_you_mean

BANKS = Path(__file__).parent / "banks"
_SUFFIX = ".npz"


def shipped() -> tuple[str, ...]:
    """The names of the banks that come with the package."""
    return tuple(sorted(path.stem for path in BANKS.glob(f"*{_SUFFIX}")))


def located(table: str | Path) -> Path:
    """The file of a table.

    Args:
        table: a path; or the name of a bank that comes with the package, where no file is called so.

    Raises:
        DataError: for a word that is neither.
    """
    path, names = Path(table), shipped()
    if path.exists() or path.suffix or len(path.parts) != 1:
        return path
    if path.name not in names:
        raise DataError(
            f"the table {path} is neither a file nor a bank that comes with ranknosh ({', '.join(names) or 'there is none yet'})"
            f"{did_you_mean(path.name, names)}; give a bank, or an npz file such as `ranknosh bench build` makes"
        )
    return BANKS / f"{path.name}{_SUFFIX}"
