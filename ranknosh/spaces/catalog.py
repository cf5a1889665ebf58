"""The spaces a search can name."""

from __future__ import annotations

from difflib import get_close_matches

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Space
from ranknosh.spaces.nasbench201 import NasBench201

SPACES: dict[str, type[NasBench201]] = {"nasbench201": NasBench201}


def get_space(name: str) -> Space:
    """The space called ``name``. Raises SpaceError that names the known ones."""
    if name not in SPACES:
        near = get_close_matches(name.lower(), SPACES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise SpaceError(f"unknown search space {name!r}: {hint}known are {', '.join(sorted(SPACES))}")
    return SPACES[name]()
