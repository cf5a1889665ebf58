"""S1 to S4, four spaces in which DARTS fails: few operations, chosen edge by edge (R-DARTS, Zela et al., ICLR 2020, sec. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import KINDS, whole_cell

_SHORT = {
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}
_S1 = {
    "normal": "skip dil3, skip dil5, skip dil5, skip sep3, skip dil3, max skip, skip sep3, "
    "skip sep3, skip dil3, skip sep3, max skip, skip dil3, dil3 dil5, dil3 dil5",
    "reduce": "max avg, max dil3, max avg, max avg, skip dil5, max avg, max sep3, "
    "skip dil3, skip dil5, max avg, max avg, skip dil5, skip dil5, skip dil5",
}


def _fixed(value: Any) -> Any:
    """A field that belongs to the space and is no setting of it."""
    return field(default=value, init=False)


@dataclass(frozen=True)
class _Robust(Darts):
    """A space of four nodes a cell whose operations are fixed."""

    steps: int = _fixed(4)
    normal_concat: tuple[int, ...] = _fixed(())
    reduce_concat: tuple[int, ...] = _fixed(())
    repeats: bool = _fixed(False)
    none: bool = _fixed(False)


@dataclass(frozen=True)
class S1(_Robust):
    """S1: on every edge the two operations that a search by DARTS rated highest there (released code's lists).

    The options of an edge are 0 and 1, the places of its own two operations.
    """

    operations: tuple[str, ...] = _fixed(tuple(_SHORT.values()))

    name = "s1"

    @property
    def _labels(self) -> tuple[Any, ...]:
        return (0, 1)

    def operation(self, kind: str, source: int, target: int, place: int) -> str:
        return _LISTS[kind][source, target][place]


@dataclass(frozen=True)
class S2(_Robust):
    """S2: a skip connection or a 3x3 separable convolution on every edge."""

    operations: tuple[str, ...] = _fixed(("skip_connect", "sep_conv_3x3"))

    name = "s2"


@dataclass(frozen=True)
class S3(_Robust):
    """S3: S2, whose supernets have ``none`` on every edge too, which is never kept."""

    operations: tuple[str, ...] = _fixed(("skip_connect", "sep_conv_3x3"))
    none: bool = _fixed(True)

    name = "s3"


@dataclass(frozen=True)
class S4(_Robust):
    """S4: a 3x3 separable convolution or noise on every edge. A search that finds noise has failed."""

    operations: tuple[str, ...] = _fixed(("noise", "sep_conv_3x3"))

    name = "s4"


def _read(lists: str) -> dict[tuple[int, int], tuple[str, ...]]:
    edges = whole_cell(4, (5,)).edges
    return {
        edge: tuple(_SHORT[short] for short in names.split())
        for edge, names in zip(edges, lists.split(", "), strict=True)
    }


_LISTS: Mapping[str, Mapping[tuple[int, int], tuple[str, ...]]] = {kind: _read(_S1[kind]) for kind in KINDS}
