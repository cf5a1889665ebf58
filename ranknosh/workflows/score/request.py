"""What is asked for: architectures, proxies, and everything a score depends on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ranknosh.config.search import SearchSettings
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.workflows.score.sharing import representatives, weight_counter

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.workflows.score.journal import Entry


_NO_MEMORY = re.compile("out of memory|can't allocate memory", re.IGNORECASE)


class Item(NamedTuple):
    """One piece of work: the network of ``architecture`` under ``proxies``."""

    architecture: Architecture
    proxies: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """``config`` gives network, data, executor and seed; its other sections play no part. ``directions``: +1 where larger is
    better, else -1, for every proxy asked for, in that order. ``options``: of single proxies by name."""

    config: SearchSettings
    space: Space
    architectures: tuple[Architecture, ...]
    directions: Mapping[str, int]
    options: Mapping[str, Mapping[str, Any]]
    batch: int

    @property
    def proxies(self) -> tuple[str, ...]:
        return tuple(self.directions)

    def size(self, data: ImageData) -> NetworkSize:
        network = self.config.network
        return NetworkSize(network.channels, network.cells, len(data.classes), data.image_shape[0])

    def settings(self, data: ImageData) -> dict[str, Any]:
        """What every score depends on, by dotted name; two files of scores agree only where all of it agrees."""
        return {
            "space": self.space.name,
            "network.channels": self.config.network.channels,
            "network.cells": self.config.network.cells,
            "seed": self.config.seed,
            "batch": self.batch,
            "device": self.config.train.device,
            "data": f"{data.name} ({data.fingerprint[:12]})",
        }

    def shares(self, known: Iterable[str]) -> dict[str, str]:
        """Exchange string of every architecture -> that of the network it has its scores of, see :mod:`.sharing`.

        known: the architectures that have been scored.
        """
        counter = weight_counter(self.config.network.channels)
        return representatives(self.space, self.architectures, known, counter)

    def missing(self, shares: Mapping[str, str], entries: Mapping[str, Entry]) -> list[Item]:
        """What is left to do where ``entries`` are known, in the order asked for; what ran out of memory is tried again."""
        items = []
        for text in dict.fromkeys(shares.values()):
            known = entries.get(text)
            lacking = tuple(name for name in self.proxies if known is None or _is_open(known, name))
            if lacking:
                items.append(Item(self.space.parse(text), lacking))
        return items


def _is_open(known: Entry, name: str) -> bool:
    return name not in known.values or _NO_MEMORY.search(known.reasons.get(name, "")) is not None
