"""What a run needs before it can work, and whether that is what it began with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.journal import Header

_ELSEWHERE = ("data.folder", "data.npz", "data.root")
"""Settings of where the same data may lie now."""


@dataclass(frozen=True)
class Prepared:
    """What a run needs before it can work, made from its settings; nothing is written yet.

    ``data``: what the data set is recognised by (``fingerprint``) and described with; empty where there is none. ``facts``:
    the workflow's own part of the header. ``fixed``: names of facts that have to agree when the run is resumed. ``stem``: of
    an automatic folder name. ``parts``: the workflow's own objects.
    """

    stem: str
    parts: Any
    data: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()


def check_same(header: Header, prepared: Prepared, changes: Collection[str] = ()) -> None:
    """Raises DataError or ConfigError where the data, or a fact that has to stay, are others than those a run began with.

    changes: names of the settings that were changed for this session.
    """
    before, now_ = header.data.get("fingerprint"), prepared.data.get("fingerprint")
    if before != now_:
        chosen = [name for name in changes if name.startswith("data.") and name not in _ELSEWHERE]
        back = "bring the old data back (from another place with --set data.folder=PATH)"
        if chosen:
            back = f"take back the change of {', '.join(chosen)}"
        raise DataError(
            f"the data are not those this run began with: {prepared.data.get('name', 'they')} has the fingerprint "
            f"{str(now_)[:12]} instead of {str(before)[:12]}; {back}, or start a new run"
        )
    for name in prepared.fixed:
        if header.facts.get(name) != prepared.facts.get(name):
            raise ConfigError(
                f"{name} was {header.facts.get(name)!r} when this run started and is {prepared.facts.get(name)!r} now; it cannot "
                "change on resume: take the change back, or start a new run"
            )
