"""Tune's sampling types as parameters of a flat space."""

from collections import deque
from collections.abc import Iterator, Mapping, ValuesView
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from ray.tune.search import sample

from ranknosh.errors import SpaceError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import STEPS, Parameter, choice, loguniform, randint, uniform


def flat_space(config: Mapping[str, Any], *, steps: int = STEPS) -> FlatSpace:
    """The space of a Tune ``param_space``: entries that are sampled are searched, all others are fixed.

    Args:
        config: fixed entries, parameters of ``ranknosh.spaces.parameters``, and tune.choice, uniform, loguniform, quniform,
            qloguniform, randint, lograndint, qrandint and qlograndint.
        steps: values a real number is cut into.

    Raises:
        SpaceError: for sampling without a finite grid (randn, sample_from), grid_search, and sampling inside of an entry.
    """
    parameters: dict[str, Parameter] = {}
    fixed: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Parameter):
            parameters[key] = value
        elif isinstance(value, sample.Domain):
            refuse_nested(key, getattr(value, "categories", ()))
            parameters[key] = _parameter(key, value, steps)
        else:
            refuse_nested(key, value)
            fixed[key] = value
    return FlatSpace(parameters, fixed=fixed)


def refuse_nested(key: str, value: Any) -> None:
    """Raise SpaceError where something that is left to be sampled is in an entry.

    Args:
        key: of the entry.
        value: that every trial would get.
    """
    if isinstance(value, Mapping) and "grid_search" in value:
        raise SpaceError(f"{key} is grid_search, which tries everything; a search takes tune.choice of the same values")
    for path, _ in samples_in(value, key):
        raise SpaceError(
            f"{path} is left to be sampled inside of {key}, where a trial would get the sampling object itself; write it as an "
            "entry of its own, such as tune.choice([[8, 16], [16, 32]]) for a list, and put the parts together in the trainable"
        )


def samples_in(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, what is sampled) of everything in a ``param_space`` that is left to be chosen, whatever holds it.

    Args:
        value: a param_space, or a part of one.
        path: of ``value``, such as ``optimiser.rates[0]``.
    """
    waiting, seen = [(path, value)], set()
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, (sample.Domain, Parameter)) or (isinstance(value, Mapping) and "grid_search" in value):
            yield path, value
        elif id(value) not in seen:
            seen.add(id(value))
            waiting += [(f"{path}{place}" if path else place.lstrip("."), below) for place, below in _parts(value)]


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value holds, each with its place in it."""
    if isinstance(value, Mapping):
        yield from ((f".{key}", below) for key, below in value.items())
    elif isinstance(value, (list, tuple, set, frozenset, deque, ValuesView)):
        yield from ((f"[{index}]", below) for index, below in enumerate(value))
    elif isinstance(value, np.ndarray):
        yield from _parts(value.ravel().tolist() if value.dtype.hasobject else ())
    elif isinstance(value, partial):
        yield from _parts([*value.args, *value.keywords.values()])
    elif not isinstance(value, _CODE):
        held = {slot: getattr(value, slot, None) for kind in type(value).__mro__ for slot in _slots(kind)}
        yield from ((f".{name}", below) for name, below in {**held, **getattr(value, "__dict__", {})}.items())


_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""What may refer to sampling objects that are no part of a config."""


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _parameter(key: str, domain: sample.Domain, steps: int) -> Parameter:
    sampler = domain.get_sampler()
    quantum = None
    if isinstance(sampler, sample.Quantized):
        quantum, sampler = sampler.q, sampler.get_sampler()
    log = isinstance(sampler, sample.LogUniform)
    if isinstance(domain, sample.Categorical) and not isinstance(sampler, sample.Grid):
        return choice(domain.categories)
    if isinstance(domain, sample.Integer) and isinstance(sampler, (sample.Uniform, sample.LogUniform)):
        # Tune includes the upper bound of a quantised range, unlike that of a plain one.
        high = domain.upper if quantum in (None, 1) else domain.upper + 1
        return randint(domain.lower, high, quantum=int(quantum or 1), log=log)
    if isinstance(domain, sample.Float) and isinstance(sampler, (sample.Uniform, sample.LogUniform)):
        make = loguniform if log else uniform
        return make(domain.lower, domain.upper, quantum=quantum, steps=steps)
    raise SpaceError(
        f"{key} is sampled by {type(domain).__name__} / {type(sampler).__name__}, which has no finite list of values; use "
        "tune.choice, tune.uniform, tune.loguniform, tune.randint or one of their quantised forms"
    )
