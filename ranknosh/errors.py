"""Errors a user can meet. Each says what was asked, what came, which rule broke and what to do; each knows its exit code."""

import copyreg
import re
import shlex
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any, ClassVar

FOREIGN = (Exception, SystemExit)
"""What code of a user's own may raise. ``sys.exit()`` in it would end the program without a word; it counts as raised."""


LINES = "\n  "
"""Between the lines of a message that has several."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, breaks of lines, marks of direction, and halves of characters."""


def printable(text: str, keep: str = "") -> str:
    """A text on its way out, to a terminal, a page or a file: what would be obeyed there and not seen is written as Python does,
    such as ``\\x1b``. Names, settings and messages may come from anywhere.

    Args:
        text: of any origin.
        keep: characters that stay, such as the breaks of lines that are ours.
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


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


class OwnCodeError(ConfigError):
    """Code of the user's own that raised, or gave what it may not: the message ends in ``correct it``, which a run that has begun
    completes by how it is resumed."""


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


def to_type(*words: object) -> str:
    """A command of ours as a shell takes it, for messages that say what to do next.

    Args:
        words: the verb, then its arguments and flags.
    """
    return " ".join(map(_quoted, ["ranknosh", *map(str, words)]))


def _quoted(word: str) -> str:
    """A word for a shell; with what cannot be seen in it as bash, zsh and ksh read it, ``$'...'``."""
    if not _UNSEEN.search(word):
        return shlex.quote(word)
    plain = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_UNSEEN.sub(lambda found: _in_octal(found[0]), plain)}'"


def _in_octal(letter: str) -> str:
    """The bytes of a character; three digits each, so that no digit behind them is read as theirs."""
    of_a_name = "\udc80" <= letter <= "\udcff"  # a byte of a file's name that is no text
    data = letter.encode(errors="surrogateescape" if of_a_name else "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in data)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message that names the like of a wrong name; empty where none is close."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was meant by a wrong one, which has a typing error or an end too few or too many; None where all
    are other words, though they may share letters (``params``, ``pairs``)."""
    name, spelled = name.lower(), {one.lower(): one for one in known}

    def meant(other: str) -> bool:
        letters, like = len(name) + len(other), SequenceMatcher(None, other, name).ratio()
        return name.startswith(other) or other.startswith(name) or letters * (1 - like) <= max(2.0, letters / 6) + 1e-9

    return next((spelled[one] for one in get_close_matches(name, spelled, n=3) if meant(one)), None)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The message about a name that is not known.

    Args:
        what: it should be the name of.
        name: that was given.
        known: names, in the order in which they are shown.
    """
    return f"unknown {what} {name!r}; known are {', '.join(known)}{did_you_mean(name, known)}"


def no_option(of: str, name: str, known: Sequence[str], what: str = "option") -> str:
    """The message about an option that a part does not have.

    Args:
        of: the part.
        name: that was given.
        known: the options that it has.
        what: an option is called there.
    """
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return f"{of} has no {what} {name}; {takes}{did_you_mean(name, known)}"


def first_line(error: BaseException, named: bool = False) -> str:
    """The first line of an error's text, after the name of its type where it is to be ``named`` or has no text."""
    name, text = type(error).__name__, str(error).strip().partition("\n")[0]
    return f"{name}: {text}" if named and text else text or name
