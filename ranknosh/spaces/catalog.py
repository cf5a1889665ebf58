"""The spaces a search can name."""

from ranknosh.errors import SpaceError, unknown
from ranknosh.spaces.base import Space
from ranknosh.spaces.nasbench201 import NasBench201

SPACES: dict[str, Space] = {NasBench201.name: NasBench201()}


def get_space(name: str) -> Space:
    """The space called ``name``. Raises SpaceError that names the known ones."""
    if name not in SPACES:
        raise SpaceError(unknown("search space", name, SPACES))
    return SPACES[name]
