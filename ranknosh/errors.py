"""Errors a user can meet. Each says what was asked, what came, which rule broke and what to do; each knows its exit code."""

from __future__ import annotations


class RankNoshError(Exception):
    """Root of every error this package raises on purpose. ``exit_code`` is what the command line ends with."""

    exit_code = 1


class ConfigError(RankNoshError):
    """A setting, an argument or a file name that breaks a rule."""

    exit_code = 2


class SpaceError(ConfigError):
    """An architecture or an operation that the search space does not know."""


class MissingDependency(ConfigError):
    """An optional package is needed for what was asked."""

    def __init__(self, package: str, purpose: str, extra: str | None = None) -> None:
        install = f"pip install 'ranknosh[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"{purpose} needs the package '{package}', which is not installed; run: {install}")
        self.package = package


class BudgetTooSmall(RankNoshError):
    """The budget does not hold a single candidate."""

    exit_code = 3


class BudgetExceeded(RankNoshError):
    """A job was reserved that does not fit what is left: a bug of the caller, never of the user."""

    exit_code = 3


class ClusterError(RankNoshError):
    """Workers that cannot be reached or cannot run what they are given; the run can be resumed."""

    exit_code = 4


class JobsLost(ClusterError):
    """A job was lost with its worker again and again, so that the search does not come to its end here."""

    exit_code = 5


class DataError(RankNoshError):
    """Images or labels that are missing, unreadable or cannot be learned from."""

    exit_code = 4


class StoreError(RankNoshError):
    """A run folder that cannot be read or written as asked."""

    exit_code = 4


class StoreFull(StoreError):
    """The disk holding the run folder is full; what was written before is intact and the run can be resumed."""

    exit_code = 5
