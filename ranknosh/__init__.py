"""RankNOSH: neural architecture search by a pyramid of paused trainings and a pairwise-ranking predictor.

    search(...)         search a space on data, and return the finished run
    open_run(folder)    a run of any kind, read from its folder
    Run                 what both return: best, trials(), top(), report(), resume(), network()

What a part of one's own is made of lies in packages of its own: ``ranknosh.spaces`` (``choice``, ``one_of``, ``repeat``),
``ranknosh.tasks`` (``Task``, ``Metric``, ``Data``), ``ranknosh.testing`` (checks of parts), ``ranknosh.tune`` (Ray Tune);
``zerocost.score`` scores untrained networks. ``ranknosh --help`` lists the commands; docs/api has every public name.

Importing this costs nothing; each name loads its parts when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ranknosh.version import __version__ as __version__

if TYPE_CHECKING:
    from ranknosh.runs.run import Run as Run
    from ranknosh.workflows import open_run as open_run
    from ranknosh.workflows.search.api import search as search

_HOMES = {"search": "ranknosh.workflows.search.api", "Run": "ranknosh.runs.run", "open_run": "ranknosh.workflows"}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ranknosh' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
