"""Errors a user can meet. Each says what was asked, what came, which rule broke and what to do; each knows its exit code."""

import copyreg
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, ClassVar


class RankNoshError(Exception):
    """Root of every error this package raises on purpose. ``exit_code`` is what the command line ends with."""

    exit_code: ClassVar[int] = 1

    def __init_subclass__(cls, exit_code: int | None = None) -> None:
        cls.exit_code = cls.exit_code if exit_code is None else exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles as it is: some kinds are made from other arguments than the message."""
        return copyreg.__newobj__, (type(self), *self.args)  # type: ignore[attr-defined]


class ConfigError(RankNoshError, exit_code=2):
    """A setting, an argument or a file name that breaks a rule."""


class SpaceError(ConfigError):
    """An architecture or an operation that the search space does not know."""


class MissingDependency(ConfigError):
    """An optional package is needed for what was asked."""

    def __init__(self, package: str, purpose: str, extra: str | None = None) -> None:
        install = f"pip install 'ranknosh[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"{purpose} needs the package '{package}', which is not installed; run: {install}")


class BudgetTooSmall(RankNoshError, exit_code=3):
    """The budget does not hold a single candidate."""


class BudgetExceeded(RankNoshError, exit_code=3):
    """A job was reserved that does not fit what is left: a bug of the caller, never of the user."""


class ClusterError(RankNoshError, exit_code=4):
    """Workers that cannot be reached or cannot run what they are given; the run can be resumed."""


class JobsLost(ClusterError, exit_code=5):
    """A job was lost with its worker again and again, so that the search does not come to its end here."""


class DataError(RankNoshError, exit_code=4):
    """Images or labels that are missing, unreadable or cannot be learned from."""


class StoreError(RankNoshError, exit_code=4):
    """A run folder that cannot be read or written as asked."""


class StoreFull(StoreError, exit_code=5):
    """The disk holding the run folder is full; what was written before is intact and the run can be resumed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message that names the like of a wrong name; empty where none is close."""
    near = get_close_matches(name.lower(), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The message about a name that is not known.

    Args:
        what: it should be the name of.
        name: that was given.
        known: names, in the order in which they are shown.
    """
    return f"unknown {what} {name!r}; known are {', '.join(known)}{did_you_mean(name, known)}"


def first_line(error: BaseException, named: bool = False) -> str:
    """The first line of an error's text, after the name of its type where it is to be ``named`` or has no text."""
    name, text = type(error).__name__, str(error).strip().partition("\n")[0]
    return f"{name}: {text}" if named and text else text or name
