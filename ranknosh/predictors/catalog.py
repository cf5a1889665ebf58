"""Predictors by name. Their modules are imported when one is asked for: torch and xgboost stay out until then."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from ranknosh.config.fields import PREDICTORS
from ranknosh.errors import ConfigError, unknown
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.combined import AutoPredictor, EnsemblePredictor

_CLASSES = {
    "linear": ("linear", "LinearPredictor"),
    "gbdt": ("gbdt", "GbdtPredictor"),
    "gin": ("gin", "GinPredictor"),
    "kernel": ("kernel", "KernelPredictor"),
    "random": ("random", "RandomPredictor"),
    "staged": ("kernel", "StagedPredictor"),
}
_COMMITTEE = {"gbdt": 4, "gin": 3}
_MIXED_COMMITTEE = 6


def make_predictor(name: str = "auto", *, ensemble: int | None = None, **options: Any) -> Predictor:
    """A fresh, unfitted predictor.

    Args:
        name: one of ``config.fields.PREDICTORS``. ``ensemble`` mixes the kinds in option ``of`` (default kernel, linear; 6
            members in turn), ``auto`` chooses among those in option ``among`` (default kernel, linear) at every refit and
            takes no ensemble.
        ensemble: bootstrap members; 0 for the predictor alone, None for 4 of gbdt, 3 of gin and one of the others alone.
        options: of the predictor itself.

    Raises:
        ConfigError: for an unknown name or option.
        MissingDependency: for gbdt without xgboost.
    """
    if ensemble is not None and ensemble < 0:
        raise ConfigError(f"predictor.ensemble is {ensemble}; it is a number of members and must be 0 or more")
    if name == "auto":
        among = [make_predictor(each) for each in _several(options, "among")]
        return _checked(AutoPredictor, name, {"among": among, **options})()
    if name == "ensemble":
        makers = [_maker(kind, {}) for kind in _several(options, "of")]
        _refuse(name, options, ("of", "ensemble"))
        ensemble = ensemble or _MIXED_COMMITTEE
    else:
        makers = [_maker(name, options)]
        ensemble = _COMMITTEE.get(name, 0) if ensemble is None else ensemble
    if not ensemble:
        return makers[0]()
    return EnsemblePredictor(lambda i: makers[i % len(makers)](), members=ensemble, name=name)


def _maker(name: str, options: Mapping[str, Any]) -> Callable[[], Predictor]:
    if name not in _CLASSES:
        raise ConfigError(f"predictor.name: {unknown('predictor', name, PREDICTORS)}")
    module, cls = _CLASSES[name]
    kind = getattr(import_module(f"ranknosh.predictors.{module}"), cls)
    return _checked(kind, name, options)


def _several(options: dict[str, Any], key: str) -> list[str]:
    """The names under ``key``, taken out of ``options``."""
    named = options.pop(key, ("kernel", "linear"))
    kinds = [named] if isinstance(named, str) else list(named)
    if not kinds or not set(kinds) <= set(_CLASSES):
        raise ConfigError(f"predictor.{key} is {named!r}; it takes one or more of {', '.join(_CLASSES)}")
    return kinds


def _checked(kind: Callable[..., Predictor], name: str, options: Mapping[str, Any]) -> Callable[[], Predictor]:
    _refuse(name, options, tuple(inspect.signature(kind).parameters))
    return partial(kind, **options)


def _refuse(name: str, options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(options) - set(known))
    if unknown:
        takes = f"it takes {', '.join(known)}" if known else "it takes none"
        raise ConfigError(f"the {name} predictor has no option {', '.join(unknown)}; {takes}")
