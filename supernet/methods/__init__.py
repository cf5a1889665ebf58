"""Published methods, each a few lines over shared parts; ``METHODS`` names their factories, which take ``epochs`` first."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from ranknosh.errors import ConfigError
from supernet.method import Method
from supernet.methods.amended import amended_darts
from supernet.methods.beta_darts import beta_darts
from supernet.methods.darts import darts
from supernet.methods.darts_es import darts_ada, darts_es
from supernet.methods.darts_minus import darts_minus
from supernet.methods.darts_plus import darts_plus
from supernet.methods.darts_second import darts_second
from supernet.methods.drnas import drnas
from supernet.methods.gdas import gdas
from supernet.methods.i_darts import i_darts
from supernet.methods.mile_nas import mile_nas
from supernet.methods.ostr_darts import naive_strength, ostr_darts, ostr_star_darts
from supernet.methods.pc_darts import pc_darts
from supernet.methods.pt import darts_pt, fixed_alpha_pt
from supernet.methods.rf_darts import rf_darts, rf_pc_darts
from supernet.methods.weight_sharing import enas, rsps, setn

METHODS: dict[str, Callable[..., Method]] = {
    "darts": darts,
    "darts_second": darts_second,
    "darts_es": darts_es,
    "darts_ada": darts_ada,
    "darts_plus": darts_plus,
    "idarts": i_darts,
    "milenas": mile_nas,
    "amended_darts": amended_darts,
    "rf_darts": rf_darts,
    "rf_pc_darts": rf_pc_darts,
    "darts_minus": darts_minus,
    "pc_darts": pc_darts,
    "ostr_darts": ostr_darts,
    "ostr_star_darts": ostr_star_darts,
    "naive": naive_strength,
    "darts_pt": darts_pt,
    "fixed_alpha_pt": fixed_alpha_pt,
    "gdas": gdas,
    "drnas": drnas,
    "beta_darts": beta_darts,
    "rsps": rsps,
    "setn": setn,
    "enas": enas,
}
"""Name on the command line -> factory."""


def get_method(name: str, **options: Any) -> Method:
    """The method called ``name``, its factory called with ``options``. Raises ConfigError that names the known ones."""
    if name not in METHODS:
        near = get_close_matches(name.lower(), METHODS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"unknown supernet method {name!r}: {hint}known are {', '.join(METHODS)}")
    return METHODS[name](**options)
