"""RankNOSH: neural architecture search by a pyramid of paused trainings and a pairwise-ranking predictor.

Importing this costs nothing; ``search``, ``Run`` and ``open_run`` load their parts when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.runs.run import Run as Run
    from ranknosh.workflows import open_run as open_run
    from ranknosh.workflows.search.run import search as search

__version__ = "0.1.0"
_HOMES = {"search": "ranknosh.workflows.search.run", "Run": "ranknosh.runs.run", "open_run": "ranknosh.workflows"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ranknosh' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
