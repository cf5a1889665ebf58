"""Every proxy by name."""

from __future__ import annotations

from collections.abc import Sequence

from zerocost.epe_nas import EpeNas
from zerocost.errors import UnknownProxy
from zerocost.expressivity import Expressivity
from zerocost.fisher import Fisher
from zerocost.grad_norm import GradNorm
from zerocost.gradsign import GradSign
from zerocost.grasp import Grasp
from zerocost.jacov import Jacov
from zerocost.l2_norm import L2Norm
from zerocost.linear_regions import LinearRegions
from zerocost.logsynflow import Logsynflow
from zerocost.macs import Macs
from zerocost.meco import Meco
from zerocost.ntk import Ntk
from zerocost.nwot import Nwot
from zerocost.params import Params
from zerocost.plain import Plain
from zerocost.progressivity import Progressivity
from zerocost.proxy import Proxy
from zerocost.snip import Snip
from zerocost.swap import Swap
from zerocost.swap_reg import SwapReg
from zerocost.synflow import Synflow
from zerocost.trainability import Trainability
from zerocost.zen import Zen
from zerocost.zico import Zico

_ALL: tuple[type[Proxy], ...] = (
    Params,
    Macs,
    L2Norm,
    GradNorm,
    Snip,
    Plain,
    Fisher,
    Grasp,
    Synflow,
    Logsynflow,
    Jacov,
    EpeNas,
    Nwot,
    Swap,
    SwapReg,
    Zen,
    Zico,
    Meco,
    GradSign,
    Ntk,
    LinearRegions,
    Expressivity,
    Progressivity,
    Trainability,
)
PROXIES: dict[str, type[Proxy]] = {kind.name: kind for kind in _ALL}


def find(names: str | Sequence[str]) -> dict[str, type[Proxy]]:
    """The proxies of ``names`` in that order, each once.

    Raises:
        UnknownProxy: A name is unknown; the message lists the known ones.
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    for name in asked:
        if name not in PROXIES:
            raise UnknownProxy(name, PROXIES)
    return {name: PROXIES[name] for name in asked}
