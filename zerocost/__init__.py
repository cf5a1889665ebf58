"""Train-free proxies: numbers of an untrained network that predict how well it would learn, for any ``torch.nn.Module``.

import zerocost
scores = zerocost.score(network, images, labels, proxies=("params", "macs", "synflow", "nwot", "jacov"))
scores["nwot"].value, scores["nwot"].direction, scores["nwot"].reason

``aggregate`` combines the scores of many networks, ``audit`` compares proxies with results of training, ``operations`` scores
the operations of a supernet.

Importing this costs nothing: each name is loaded when it is first used, and ``aggregate`` needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerocost.aggregate import combine as combine
    from zerocost.catalog import PROXIES as PROXIES
    from zerocost.catalog import register as register
    from zerocost.errors import Undefined as Undefined
    from zerocost.errors import UnknownProxy as UnknownProxy
    from zerocost.errors import ZeroCostError as ZeroCostError
    from zerocost.operations import score_operations as score_operations
    from zerocost.result import Score as Score
    from zerocost.result import Scores as Scores
    from zerocost.scoring import score as score

_HOMES = {
    "PROXIES": "catalog",
    "Score": "result",
    "Scores": "result",
    "Undefined": "errors",
    "UnknownProxy": "errors",
    "ZeroCostError": "errors",
    "combine": "aggregate",
    "register": "catalog",
    "score": "scoring",
    "score_operations": "operations",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zerocost' has no attribute {name!r}")
    return getattr(import_module(f"zerocost.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
