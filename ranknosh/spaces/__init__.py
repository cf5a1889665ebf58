"""Search spaces as symbols: choices, ids, encodings and edits (numpy only; networks are in ``spaces.nets``).

What a space of one's own needs can be imported from here: ``choice``, ``one_of``, ``repeat`` and ``ModuleSpace`` for a space made
of an ordinary module; ``Space`` and ``Choice``, or ``ConditionalSpace`` and ``Condition``, for a class that builds networks
itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.spaces.base import Architecture as Architecture
    from ranknosh.spaces.base import Space as Space
    from ranknosh.spaces.catalog import get_space as get_space
    from ranknosh.spaces.choices import Choice as Choice
    from ranknosh.spaces.conditions import ConditionalSpace as ConditionalSpace
    from ranknosh.spaces.declare import choice as choice
    from ranknosh.spaces.declare import one_of as one_of
    from ranknosh.spaces.declare import repeat as repeat
    from ranknosh.spaces.module import ModuleSpace as ModuleSpace
    from ranknosh.spaces.signature import Signature as Signature
    from ranknosh.spaces.slots import Condition as Condition

_HOMES = {
    "base": ("Architecture", "Space"),
    "catalog": ("get_space",),
    "choices": ("Choice",),
    "conditions": ("ConditionalSpace",),
    "declare": ("choice", "one_of", "repeat"),
    "module": ("ModuleSpace",),
    "signature": ("Signature",),
    "slots": ("Condition",),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
