"""Train-free proxies: what an untrained network says about how well it would learn, for any ``torch.nn.Module``.

import zerocost
scores = zerocost.score(network, images, proxies=("params", "macs", "synflow", "nwot"))
scores["nwot"].value, scores["nwot"].direction, scores["nwot"].reason
"""

from __future__ import annotations

from zerocost.catalog import PROXIES
from zerocost.errors import Undefined, UnknownProxy, ZeroCostError
from zerocost.result import Score, Scores
from zerocost.scoring import score

__all__ = ["PROXIES", "Score", "Scores", "Undefined", "UnknownProxy", "ZeroCostError", "score"]
