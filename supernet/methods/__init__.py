"""Published methods, each a few lines over shared parts; ``METHODS`` names their factories, whose first argument is
``epochs``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ranknosh.errors import ConfigError
from ranknosh.registry import Registry, made
from supernet.method import Method
from supernet.methods.amended import amended_darts
from supernet.methods.beta_darts import beta_darts
from supernet.methods.darts import darts
from supernet.methods.darts_es import darts_ada, darts_es
from supernet.methods.darts_minus import darts_minus
from supernet.methods.darts_plus import darts_plus
from supernet.methods.darts_second import darts_second
from supernet.methods.dots import dots
from supernet.methods.drnas import drnas
from supernet.methods.drnas_progressive import drnas_progressive
from supernet.methods.dropnas import dropnas
from supernet.methods.fairdarts import fairdarts
from supernet.methods.free_darts import free_darts
from supernet.methods.gaea import gaea, gaea_pc_darts
from supernet.methods.gdas import gdas
from supernet.methods.i_darts import i_darts
from supernet.methods.is_darts import is_darts
from supernet.methods.mile_nas import mile_nas
from supernet.methods.noisy_darts import noisy_darts
from supernet.methods.ostr_darts import naive_strength, ostr_darts, ostr_pc_darts, ostr_star_darts
from supernet.methods.p_darts import p_darts
from supernet.methods.pc_darts import pc_darts
from supernet.methods.pt import darts_pt, fixed_alpha_pt, sdarts_pt
from supernet.methods.r_darts import r_darts_dp, r_darts_l2
from supernet.methods.rf_darts import rf_darts, rf_pc_darts
from supernet.methods.sdarts import sdarts_adv, sdarts_rs
from supernet.methods.sgas import sgas, sgas_cri2, sgas_pt
from supernet.methods.shapley_nas import shapley_nas
from supernet.methods.single_darts import single_darts
from supernet.methods.snas import snas
from supernet.methods.weight_sharing import enas, rsps, setn
from supernet.methods.zero_cost_pt import zero_cost_pt

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
    "p_darts": p_darts,
    "noisy_darts": noisy_darts,
    "r_darts_l2": r_darts_l2,
    "r_darts_dp": r_darts_dp,
    "sdarts_rs": sdarts_rs,
    "sdarts_adv": sdarts_adv,
    "ostr_darts": ostr_darts,
    "ostr_pc_darts": ostr_pc_darts,
    "ostr_star_darts": ostr_star_darts,
    "naive": naive_strength,
    "darts_pt": darts_pt,
    "sdarts_pt": sdarts_pt,
    "sgas_pt": sgas_pt,
    "fixed_alpha_pt": fixed_alpha_pt,
    "zero_cost_pt": zero_cost_pt,
    "sgas": sgas,
    "sgas_cri2": sgas_cri2,
    "is_darts": is_darts,
    "shapley_nas": shapley_nas,
    "free_darts": free_darts,
    "gdas": gdas,
    "drnas": drnas,
    "drnas_progressive": drnas_progressive,
    "dots": dots,
    "beta_darts": beta_darts,
    "snas": snas,
    "fairdarts": fairdarts,
    "gaea": gaea,
    "gaea_pc_darts": gaea_pc_darts,
    "dropnas": dropnas,
    "single_darts": single_darts,
    "rsps": rsps,
    "setn": setn,
    "enas": enas,
}
"""Name on the command line -> factory."""


FACTORIES = Registry("methods", "supernet method", METHODS)


def method_factory(name: str) -> Callable[..., Method]:
    """The factory called ``name``, of ours or of an installed package, or the function of ``module:function`` of the user's own.

    Raises:
        ConfigError: The name is unknown (the message lists the known ones), or what it names cannot be loaded or called.
    """
    found = FACTORIES.load(name)
    if not callable(found):
        raise ConfigError(f"{name} is {type(found).__name__}; name a function that takes epochs and returns a Method")
    factory: Callable[..., Method] = found
    return factory


def get_method(name: str, **options: Any) -> Method:
    """The method of :func:`method_factory`, made with ``options``.

    Raises:
        ConfigError: It takes other options, raises, or gives no Method.
    """
    method: Method = made(method_factory(name), Method, name, FACTORIES.noun, options)
    return method
