"""Ray Tune's sampling types as parameters of a flat space."""

from collections.abc import Mapping
from typing import Any

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
        SpaceError: for sampling without a finite grid (randn, sample_from), grid_search, and sampling in nested dictionaries.
    """
    parameters: dict[str, Parameter] = {}
    fixed: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Parameter):
            parameters[key] = value
        elif isinstance(value, sample.Domain):
            parameters[key] = _parameter(key, value, steps)
        elif isinstance(value, Mapping) and has_samples(value):
            what = "grid_search" if "grid_search" in value else "a nested dictionary with sampled entries"
            raise SpaceError(f"{key} is {what}; a flat space takes tune.choice, tune.uniform, ... one for each entry")
        else:
            fixed[key] = value
    return FlatSpace(parameters, fixed=fixed)


def has_samples(value: Any) -> bool:
    """Whether anything in a ``param_space``, or in a value of one, is left to be chosen."""
    if isinstance(value, Mapping):
        return "grid_search" in value or any(has_samples(item) for item in value.values())
    return isinstance(value, (sample.Domain, Parameter))


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
