"""Level 0 of the pyramid: train-free scores of architectures. The one place that calls ``zerocost``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

import zerocost
from ranknosh.config.fields import NEEDS_OPTIONS
from ranknosh.data import ImageData, batches
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.spaces.nets import build_candidate
from ranknosh.streams import stream, torch_seed

Options = Mapping[str, Mapping[str, Any]]
"""Keyword arguments of proxies, by the proxy's name."""


class ProxyScorer:
    """``scorer(architecture)`` gives (values by proxy name, seconds); a value is None where a proxy does not apply.

    Every architecture is scored on the same training images and with weights drawn from the same seed (from which proxies
    draw what they need too), so that they differ in nothing but the architecture. One that is dead (``Space.is_dead``) gets
    None for every proxy without being built; :meth:`scores` builds it. ``reasons`` keeps the latest reason of every proxy that
    gave none a value. The global random state is not touched. Instances pickle.
    """

    def __init__(
        self,
        space: Space,
        size: NetworkSize,
        images: torch.Tensor,
        labels: torch.Tensor,
        proxies: Sequence[str],
        weight_seed: int,
        options: Options | None = None,
    ) -> None:
        self.reasons: dict[str, str] = {}
        self._space = space
        self._size = size
        self._images = images
        self._labels = labels
        self._proxies = tuple(dict.fromkeys(proxies))
        self._weight_seed = weight_seed
        self._options = {name: dict(values) for name, values in (options or {}).items()}

    def __call__(self, architecture: Architecture) -> tuple[dict[str, float | None], float]:
        started = time.perf_counter()
        if self._space.is_dead(architecture):
            return dict.fromkeys(self._proxies), time.perf_counter() - started
        scores = self.scores(architecture)
        self.reasons.update({name: score.reason for name, score in scores.items() if score.reason is not None})
        return scores.values_by_name, time.perf_counter() - started

    def scores(self, architecture: Architecture, proxies: Sequence[str] | None = None) -> zerocost.Scores:
        """Value or reason, direction and seconds of each proxy by its name, dead architectures built like any other.

        proxies: some instead of all of the scorer's; a value does not depend on which others are asked for.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._weight_seed)
            network: nn.Module = build_candidate(architecture, self._size)
        if self._images.device.type != "cpu":
            network = network.to(self._images.device)
        return zerocost.score(
            network,
            self._images,
            self._labels,
            nn.functional.cross_entropy,
            self._proxies if proxies is None else tuple(proxies),
            seed=self._weight_seed,
            options=self._options,
        )

    def to(self, device: torch.device | str) -> ProxyScorer:
        """The same scorer with its images on ``device``, where networks then run."""
        images, labels = self._images.to(device), self._labels.to(device)
        return ProxyScorer(self._space, self._size, images, labels, self._proxies, self._weight_seed, self._options)


def proxy_scorer(
    space: Space,
    size: NetworkSize,
    data: ImageData,
    proxies: Sequence[str],
    *,
    batch: int = 64,
    seed: int,
    device: torch.device | str = "cpu",
    options: Options | None = None,
) -> ProxyScorer:
    """A scorer on ``batch`` training images drawn by ``seed`` (all of them where there are fewer), normalised, not augmented.

    options: see :func:`check_options`. Raises ConfigError for a proxy or an option that is not known or a batch below 1.
    """
    directions(proxies)
    check_options(options or {})
    if batch < 1:
        raise ConfigError(f"proxies are scored on a batch of {batch} images; give 1 or more (64 is usual)")
    order = torch.from_numpy(stream(seed, "proxy images").permutation(len(data.train))[:batch])
    images, labels = next(
        batches(data.train, batch=batch, order=order, augment="none", mean=data.mean, std=data.std, device=device)
    )
    return ProxyScorer(space, size, images, labels, proxies, torch_seed(seed, "proxy weights"), options)


def known_proxies() -> tuple[str, ...]:
    """Every name, in the order of the catalogue."""
    return tuple(zerocost.PROXIES)


def check_options(options: Options, proxies: Sequence[str] = ()) -> None:
    """Raises ConfigError for a proxy that is not known, and an option that it does not take, lacks or refuses.

    proxies: those that will be asked for; one that needs options must have them.
    """
    options = {**{name: {} for name in proxies if name in NEEDS_OPTIONS}, **options}
    if not options:
        return
    with torch.random.fork_rng(devices=[]):
        network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    for name, values in options.items():
        if name not in zerocost.PROXIES:
            raise ConfigError(
                f"options are given for {name!r}, which is no proxy; known proxies are {', '.join(zerocost.PROXIES)}"
            )
        lacking = [option for option in NEEDS_OPTIONS.get(name, ()) if option not in values]
        if lacking:
            raise ConfigError(
                f"the proxy {name} needs a value for {' and '.join(lacking)}: such options have no default. Give them with "
                f"--option {name}.{lacking[0]}=... or in the config as seeding.options, or leave the proxy out"
            )
        try:
            tried = zerocost.score(network, torch.eye(2), torch.arange(2), proxies=name, options={name: values})[name]
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{error}") from error
        if tried.reason is not None and tried.reason.startswith("TypeError"):
            raise ConfigError(f"the proxy {name} refuses its options {dict(values)}: {tried.reason}")


def directions(proxies: Sequence[str]) -> Mapping[str, int]:
    """+1 for a proxy whose larger values are better, -1 for the others. Raises ConfigError for one that is not known."""
    for name in proxies:
        if name not in zerocost.PROXIES:
            raise ConfigError(
                f"seeding.proxies names {name!r}, which is no proxy; known proxies are {', '.join(zerocost.PROXIES)}"
            )
    return {name: zerocost.PROXIES[name].direction for name in proxies}


def proxy_weights(
    values: Sequence[Mapping[str, float | None]], outcomes: Sequence[float], directions: Mapping[str, int]
) -> dict[str, float]:
    """What each proxy of ``directions`` counts, given (n,) ``outcomes`` (higher is better): see ``zerocost.audit``."""
    from zerocost import audit

    return dict(audit.proxy_weights(values, outcomes, directions))


def audit_proxies(
    values: Sequence[Mapping[str, float | None]],
    outcomes: Sequence[float],
    directions: Mapping[str, int],
    *,
    size: str = "params",
    seed: int = 0,
) -> dict[str, Any]:
    """What (n,) ``outcomes`` (higher is better) say of each proxy, as plain data: ``zerocost.audit.audit(...).as_dict()``."""
    from zerocost import audit

    return audit.audit(values, outcomes, directions, size=size, seed=seed).as_dict()
