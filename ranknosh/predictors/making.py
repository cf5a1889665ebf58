"""From a name and options to a predictor."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.catalog import PREDICTORS
from ranknosh.predictors.combined import AutoPredictor, EnsemblePredictor
from ranknosh.predictors.own import OwnPredictor
from ranknosh.registry import made

_COMMITTEE = {"gbdt": 4, "gin": 3}
_MIXED_COMMITTEE = 6
_OF_OTHERS = ("auto", "ensemble")


def make_predictor(name: str = "auto", *, ensemble: int | None = None, **options: Any) -> Predictor:
    """A fresh, unfitted predictor.

    Args:
        name: one of ``PREDICTORS``, or ``module:name`` of a subclass of Predictor, or of a function that gives one. ``ensemble``
            mixes the kinds in option ``of`` (default kernel, linear; 6 members in turn), ``auto`` chooses among those in option
            ``among`` (default kernel, linear) at every refit and takes no ensemble.
        ensemble: bootstrap members; 0 for the predictor alone, None for 4 of gbdt, 3 of gin and one of the others alone.
        options: of the predictor itself.

    Raises:
        ConfigError: for an unknown name or option, and for one that cannot be imported, is no predictor, or cannot be made.
        MissingDependency: for gbdt without xgboost.
    """
    if ensemble is not None and ensemble < 0:
        raise ConfigError(f"predictor.ensemble is {ensemble}; it is a number of members and must be 0 or more")
    if name == "auto":
        among = [make_predictor(each) for each in several(options, "among")]
        return made(AutoPredictor, Predictor, name, PREDICTORS.noun, {**options, "among": among})
    if name == "ensemble":
        makers = [_maker(kind, {}) for kind in several(options, "of")]
        others = sorted(options.keys() - {"of"})
        if others:
            raise ConfigError(f"the ensemble predictor has no option {', '.join(others)}; it takes of, ensemble")
        ensemble = ensemble or _MIXED_COMMITTEE
    else:
        makers = [_maker(name, options)]
        ensemble = _COMMITTEE.get(name, 0) if ensemble is None else ensemble
    if not ensemble:
        return makers[0]()
    makers[0]()  # what cannot be made is said now, in its own words
    return EnsemblePredictor(lambda i: makers[i % len(makers)](), members=ensemble, name=name)


def _maker(name: str, options: Mapping[str, Any]) -> Callable[[], Predictor]:
    found = PREDICTORS.load(name)
    if isinstance(found, Predictor):  # an object: each use has one of its own
        found = partial(deepcopy, found)
    make = partial(made, found, Predictor, name, PREDICTORS.noun, options)
    return make if name in PREDICTORS.builtins else lambda: OwnPredictor(make(), name)


def several(options: Mapping[str, Any], key: str) -> list[str]:
    """The names of predictors under ``key``. Raises ConfigError where something else is there."""
    named = options.get(key, ("kernel", "linear"))
    kinds = [named] if isinstance(named, str) else list(named) if isinstance(named, list | tuple) else []
    known = [name for name in PREDICTORS.names if name not in _OF_OTHERS]
    if not kinds or not all(isinstance(kind, str) and (kind in known or ":" in kind) for kind in kinds):
        raise ConfigError(
            f"predictor.options.{key} is {named!r}; it takes one or more of {', '.join(known)}, or MODULE:NAME of your own"
        )
    return kinds
