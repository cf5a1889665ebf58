"""RankNOSH: neural architecture search by a pyramid of paused trainings and a pairwise-ranking predictor.

Importing this costs nothing; ``search``, ``Run``, ``open_run`` and ``start_run`` load their parts when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.api import search as search
    from ranknosh.run import Run as Run
    from ranknosh.run import open_run as open_run
    from ranknosh.run import start_run as start_run

__version__ = "0.1.0"
_HOMES = {"search": "ranknosh.api", "Run": "ranknosh.run", "open_run": "ranknosh.run", "start_run": "ranknosh.run"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ranknosh' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
