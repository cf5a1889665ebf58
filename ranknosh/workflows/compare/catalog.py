"""The methods that can be compared, by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from ranknosh.config.compare import ALWAYS
from ranknosh.config.search import SearchSettings
from ranknosh.errors import ConfigError
from ranknosh.workflows.compare.method import SearchMethod
from ranknosh.workflows.compare.nosh_search import NoshSearch
from ranknosh.workflows.compare.random_search import RandomSearch
from ranknosh.workflows.compare.supernet_search import SupernetMethod
from supernet.methods import METHODS

ENGINE: dict[str, Callable[[SearchSettings], SearchMethod]] = {"ranknosh": NoshSearch, "random": RandomSearch}
SUPERNET_SPACES = ("nasbench201",)
"""Spaces whose architectures a supernet's cells can be written as."""


def known_methods() -> tuple[str, ...]:
    return (*ENGINE, *METHODS)


def checked(names: Sequence[str], space: str) -> tuple[str, ...]:
    """``names`` without repetitions, random search among them. ``module:function`` is a supernet method of the user's own.

    Raises ConfigError for one that is no method, and for one that does not know ``space``.
    """
    known = known_methods()
    for name in names:
        if name not in known and ":" not in name:
            near = get_close_matches(name.lower().replace("-", "_"), known, n=1)
            raise ConfigError(
                f"methods names {name!r}, which is no method{f'; did you mean {near[0]!r}?' if near else '.'} Known are "
                f"{', '.join(known)}"
            )
        if name not in ENGINE and space not in SUPERNET_SPACES:
            raise ConfigError(
                f"the method {name} trains a supernet, and there is none for space.name {space} here (only for "
                f"{', '.join(SUPERNET_SPACES)}); take it out of methods: {', '.join(ENGINE)} search every space"
            )
    return tuple(dict.fromkeys([*names, ALWAYS]))


def make_methods(names: Sequence[str], config: SearchSettings) -> tuple[SearchMethod, ...]:
    """The methods of ``names`` under a search config. Raises ConfigError as :func:`checked` does."""
    return tuple(
        ENGINE[name](config) if name in ENGINE else SupernetMethod(name, config.seed)
        for name in checked(names, config.space.name)
    )
