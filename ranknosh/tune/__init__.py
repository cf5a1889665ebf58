"""The NOSH pyramid (non-uniform successive halving) for Ray Tune: a searcher and a scheduler that act as one, for a user's own
trainable and config space.

Importing this costs nothing; ray is loaded when ``RankSearcher``, ``NOSHScheduler``, ``make_tuner`` or ``as_trainable`` is first
used. ``RungRunner`` and ``read_search`` work without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ranknosh.errors import MissingDependency

if TYPE_CHECKING:
    from ranknosh.tune.domains import flat_space as flat_space
    from ranknosh.tune.rungs import RungRunner as RungRunner
    from ranknosh.tune.scheduler import NOSHScheduler as NOSHScheduler
    from ranknosh.tune.searcher import RankSearcher as RankSearcher
    from ranknosh.tune.state import read_search as read_search
    from ranknosh.tune.tuner import as_trainable as as_trainable
    from ranknosh.tune.tuner import make_tuner as make_tuner

_HOMES = {
    "NOSHScheduler": "scheduler",
    "RankSearcher": "searcher",
    "RungRunner": "rungs",
    "as_trainable": "tuner",
    "flat_space": "domains",
    "make_tuner": "tuner",
    "read_search": "state",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ranknosh.tune' has no attribute {name!r}")
    try:
        return getattr(import_module(f"ranknosh.tune.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("ray", "pyarrow"):
            raise MissingDependency("ray[tune]", f"ranknosh.tune.{name}") from error
        raise


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
