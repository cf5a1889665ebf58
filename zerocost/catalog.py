"""Every proxy by name. A proxy's module, and torch with it, is imported when the proxy is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from zerocost.errors import UnknownProxy

if TYPE_CHECKING:
    from zerocost.proxy import Proxy

HOMES: Mapping[str, str] = {
    "params": "params:Params",
    "macs": "macs:Macs",
    "l2_norm": "l2_norm:L2Norm",
    "grad_norm": "grad_norm:GradNorm",
    "snip": "snip:Snip",
    "plain": "plain:Plain",
    "fisher": "fisher:Fisher",
    "grasp": "grasp:Grasp",
    "synflow": "synflow:Synflow",
    "logsynflow": "logsynflow:Logsynflow",
    "jacov": "jacov:Jacov",
    "epe_nas": "epe_nas:EpeNas",
    "nwot": "nwot:Nwot",
    "swap": "swap:Swap",
    "swap_reg": "swap_reg:SwapReg",
    "zen": "zen:Zen",
    "zico": "zico:Zico",
    "meco": "meco:Meco",
    "gradsign": "gradsign:GradSign",
    "ntk": "ntk:Ntk",
    "linear_regions": "linear_regions:LinearRegions",
    "expressivity": "expressivity:Expressivity",
    "progressivity": "progressivity:Progressivity",
    "trainability": "trainability:Trainability",
}
"""Name -> module of this package and class in it."""


class Catalog(MutableMapping[str, "type[Proxy]"]):
    """Name -> class, of ours and of those that were registered; the names of ours stay ours."""

    def __init__(self) -> None:
        self._known: dict[str, type[Proxy] | None] = dict.fromkeys(HOMES)

    def __getitem__(self, name: str) -> type[Proxy]:
        kind = self._known[name]
        if kind is None:
            module, _, attribute = HOMES[name].partition(":")
            kind = self._known[name] = getattr(import_module(f"zerocost.{module}"), attribute)
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __delitem__(self, name: str) -> None:
        if name in HOMES:
            raise ValueError(f"{name} is a proxy of zerocost and stays")
        del self._known[name]

    def __setitem__(self, name: str, kind: type[Proxy]) -> None:
        if name in HOMES:
            raise ValueError(f"{name} is a proxy of zerocost; give {kind.__qualname__} a name of its own")
        self._known[name] = kind


PROXIES = Catalog()


def register(kind: type[Proxy], name: str | None = None) -> type[Proxy]:
    """Make a proxy of your own known by name in this process; a later one of the same name takes its place.

    Args:
        kind: a subclass of :class:`zerocost.proxy.Proxy`.
        name: in place of ``kind.name``.

    Returns:
        ``kind``, so that this can decorate it.

    Raises:
        TypeError: it is no subclass of Proxy.
        ValueError: its name is missing or that of one of ours, it has no value, or a direction or pass that do not exist.
    """
    from zerocost.proxy import Pass, Proxy

    if not (isinstance(kind, type) and issubclass(kind, Proxy)):
        raise TypeError(f"{kind!r} is no proxy; give a subclass of zerocost.proxy.Proxy")
    where, known = kind.__qualname__, name or getattr(kind, "name", None)
    if not isinstance(known, str):
        raise ValueError(f"the proxy {where} has no name; set its class attribute name to a text")
    if kind.value is Proxy.value:
        raise ValueError(f"the proxy {where} has no value; override the method value()")
    if kind.direction not in (1, -1) or not isinstance(kind.needs, Pass):
        raise ValueError(
            f"the proxy {where} has direction {kind.direction!r} and needs {kind.needs!r}; direction is 1 where larger "
            "values are better, else -1, and needs is a zerocost.proxy.Pass"
        )
    PROXIES[known] = kind
    return kind


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
