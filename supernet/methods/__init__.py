"""Published methods, each a few lines over shared parts; ``METHODS`` names their factories, which take ``epochs`` first."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from ranknosh.errors import ConfigError
from supernet.method import Method
from supernet.methods.darts import darts
from supernet.methods.ostr_darts import naive_strength, ostr_darts, ostr_star_darts

METHODS: dict[str, Callable[..., Method]] = {
    "darts": darts,
    "ostr_darts": ostr_darts,
    "ostr_star_darts": ostr_star_darts,
    "naive": naive_strength,
}
"""Name on the command line -> factory."""


def get_method(name: str, **options: Any) -> Method:
    """The method called ``name``, its factory called with ``options``. Raises ConfigError that names the known ones."""
    if name not in METHODS:
        near = get_close_matches(name.lower(), METHODS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"unknown supernet method {name!r}: {hint}known are {', '.join(METHODS)}")
    return METHODS[name](**options)
