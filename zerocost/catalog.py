"""Every proxy by name."""

from __future__ import annotations

from collections.abc import Sequence

from zerocost.errors import UnknownProxy
from zerocost.macs import Macs
from zerocost.nwot import Nwot
from zerocost.params import Params
from zerocost.proxy import Proxy
from zerocost.synflow import Synflow

PROXIES: dict[str, type[Proxy]] = {
    "params": Params,
    "macs": Macs,
    "synflow": Synflow,
    "nwot": Nwot,
}


def find(names: str | Sequence[str]) -> dict[str, type[Proxy]]:
    """The proxies of ``names`` in that order, each once. Raises UnknownProxy, which names the known ones."""
    asked = (names,) if isinstance(names, str) else tuple(names)
    for name in asked:
        if name not in PROXIES:
            raise UnknownProxy(name, PROXIES)
    return {name: PROXIES[name] for name in asked}
