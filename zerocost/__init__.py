"""Train-free proxies: numbers of an untrained network that predict how well it would learn, for any ``torch.nn.Module``.

import zerocost
scores = zerocost.score(network, images, labels, proxies=("params", "macs", "synflow", "nwot", "jacov"))
scores["nwot"].value, scores["nwot"].direction, scores["nwot"].reason

``aggregate`` combines the scores of many networks, ``audit`` compares proxies with results of training, ``operations`` scores
the operations of a supernet.
"""

from __future__ import annotations

from zerocost.aggregate import combine
from zerocost.catalog import PROXIES
from zerocost.errors import Undefined, UnknownProxy, ZeroCostError
from zerocost.operations import score_operations
from zerocost.result import Score, Scores
from zerocost.scoring import score

__all__ = [
    "PROXIES",
    "Score",
    "Scores",
    "Undefined",
    "UnknownProxy",
    "ZeroCostError",
    "combine",
    "score",
    "score_operations",
]
