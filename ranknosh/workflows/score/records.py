"""The records of a table of scores, and what they say together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ranknosh.core.records import Folded, Session

_NO_MEMORY = re.compile("out of memory|can't allocate memory", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ScoresAsked:
    """What is to be scored, written when a process begins to work on it.

    ``networks[i]`` is the architecture whose network is scored for ``architectures[i]`` (itself, or another of the same function
    and size), ``truths[i]`` its mean in a table, a fraction, None where the table has none; ``truths`` is
    None without a table. Architectures are exchange strings.
    """

    architectures: tuple[str, ...]
    networks: tuple[str, ...]
    truths: tuple[float | None, ...] | None = None

    def __post_init__(self) -> None:
        if len({len(each) for each in (self.architectures, self.networks, self.truths) if each is not None}) > 1:
            raise ValueError("architectures, networks and truths are as many")


@dataclass(frozen=True, slots=True)
class NetworkScores:
    """What one network had under some proxies.

    ``text``: its architecture, ``key`` the canonical id of that. ``values`` holds None where there is a reason, ``seconds`` the
    time of each proxy.
    """

    key: str
    text: str
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]
    seconds: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.values.keys() != self.seconds.keys():
            raise ValueError("values and seconds are of the same proxies")

    def with_more(self, later: NetworkScores) -> NetworkScores:
        """What ``later`` holds takes the place of what is here."""
        return NetworkScores(
            self.key,
            self.text,
            {**self.values, **later.values},
            {**{name: why for name, why in self.reasons.items() if name not in later.values}, **later.reasons},
            {**self.seconds, **later.seconds},
        )

    def lacks(self, proxy: str) -> bool:
        """Whether a proxy is still to be computed: one that ran out of memory is tried again."""
        return proxy not in self.values or _NO_MEMORY.search(self.reasons.get(proxy, "")) is not None


RECORDS = (Session, ScoresAsked, NetworkScores)


@dataclass
class ScoreState(Folded):
    """The fold of the records.

    ``networks`` by exchange string; ``asked`` is None before anything was asked for. ``planned``: the latest session has written
    what it is asked for, so that nothing missing means that all is done.
    """

    asked: ScoresAsked | None = None
    networks: dict[str, NetworkScores] = field(default_factory=dict)
    planned: bool = False

    def apply(self, record: Any) -> None:
        """Fold one record."""
        if isinstance(record, Session):
            self.planned = False
        elif isinstance(record, ScoresAsked):
            self.asked, self.planned = record, True
        elif isinstance(record, NetworkScores):
            known = self.networks.get(record.text)
            self.networks[record.text] = known.with_more(record) if known else record

    def missing(self, proxies: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(architecture, proxies) of every network asked for that lacks some, in the order asked for."""
        for text in dict.fromkeys(self.asked.networks if self.asked else ()):
            known = self.networks.get(text)
            lacking = tuple(name for name in proxies if known is None or known.lacks(name))
            if lacking:
                yield text, lacking
