"""The cell spaces of supernets by name."""

from __future__ import annotations

from collections.abc import Callable

from ranknosh.errors import ConfigError, unknown
from supernet.robust_spaces import s1, s2, s3, s4
from supernet.space import CellSpace, darts, darts_without_none, nasbench201

SPACES: dict[str, Callable[[], CellSpace]] = {
    "nasbench201": nasbench201,
    "darts": darts,
    "darts_without_none": darts_without_none,
    "s1": s1,
    "s2": s2,
    "s3": s3,
    "s4": s4,
}
"""Name on the command line -> factory."""


def get_space(name: str) -> CellSpace:
    """The space called ``name``.

    Raises:
        ConfigError: The name is unknown; the message lists the known ones.
    """
    if name not in SPACES:
        raise ConfigError(unknown("supernet space", name, SPACES))
    return SPACES[name]()


def published_size(name: str) -> tuple[int, int]:
    """Channels and cells of the supernet that the paper of a space searches, as ``NetworkSize`` counts them."""
    return (16, 5) if name == "nasbench201" else (16, 8)
