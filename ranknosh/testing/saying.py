"""How a check says what is wrong."""

from collections.abc import Callable
from typing import Any

from ranknosh.errors import FOREIGN, first_line


def expect(holds: object, sentence: str) -> None:
    """Raises AssertionError with a sentence where something does not hold; unlike ``assert`` also under ``python -O``."""
    if not holds:
        raise AssertionError(sentence)


def tried(what: str, call: Callable[[], Any]) -> Any:
    """What ``call`` gives. Raises AssertionError that says what was tried where it raises anything."""
    try:
        return call()
    except AssertionError:
        raise
    except FOREIGN as error:
        raise AssertionError(f"{what} raised {first_line(error, named=True)}") from error
