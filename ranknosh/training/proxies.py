"""Level 0 of the pyramid: train-free scores of architectures. The one place that calls ``zerocost``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

import zerocost
from ranknosh.config.fields import NEEDS_OPTIONS
from ranknosh.data import ImageData, batches
from ranknosh.errors import ConfigError, unknown
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.spaces.nets.network import build_candidate
from ranknosh.streams import stream, torch_seed
from zerocost.weighing import proxy_weights as proxy_weights

Options = Mapping[str, Mapping[str, Any]]
"""Keyword arguments of proxies, by the proxy's name."""


@dataclass(frozen=True)
class ProxyScorer:
    """``scorer(architecture)`` gives (values by proxy name, seconds); a value is None where a proxy does not apply.

    Every architecture is scored on the same (n, C, H, W) ``images`` with their ``labels`` and with weights drawn from the same
    seed (from which proxies draw what they need too), so that they differ in nothing but the architecture. One that is dead
    (``Space.is_dead``) gets None for every proxy without being built; :meth:`scores` builds it. The global random state is not
    touched. Instances pickle.
    """

    space: Space
    size: NetworkSize
    images: torch.Tensor
    labels: torch.Tensor
    proxies: tuple[str, ...]
    weight_seed: int
    options: Options

    def __call__(self, architecture: Architecture) -> tuple[dict[str, float | None], float]:
        started = time.perf_counter()
        if self.space.is_dead(architecture):
            return dict.fromkeys(self.proxies), time.perf_counter() - started
        return self.scores(architecture).values_by_name, time.perf_counter() - started

    def scores(self, architecture: Architecture, proxies: Sequence[str] | None = None) -> zerocost.Scores:
        """Value or reason, direction and seconds of each proxy by its name, dead architectures built like any other.

        proxies: some instead of all of the scorer's; a value does not depend on which others are asked for.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.weight_seed)
            network: nn.Module = build_candidate(architecture, self.size)
        return zerocost.score(
            network.to(self.images.device),
            self.images,
            self.labels,
            nn.functional.cross_entropy,
            self.proxies if proxies is None else tuple(proxies),
            seed=self.weight_seed,
            options=self.options,
        )

    def to(self, device: torch.device | str) -> ProxyScorer:
        """The same scorer with its images on ``device``, where networks then run."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))


def proxy_scorer(
    space: Space,
    size: NetworkSize,
    data: ImageData,
    proxies: Sequence[str],
    *,
    batch: int = 64,
    seed: int,
    options: Options | None = None,
) -> ProxyScorer:
    """A scorer on training images drawn by a seed, normalised, not augmented.

    Args:
        space: of the architectures.
        size: of their networks.
        data: the images.
        proxies: names.
        batch: images; all of them where there are fewer.
        seed: of images and weights.
        options: see :func:`check_options`.

    Raises:
        ConfigError: for a proxy or an option that is not known.
    """
    directions(proxies)
    check_options(options or {})
    order = torch.from_numpy(stream(seed, "proxy images").permutation(len(data.train))[:batch])
    drawn = batches(data.train, batch=batch, order=order, mean=data.mean, std=data.std)
    names = tuple(dict.fromkeys(proxies))
    return ProxyScorer(space, size, *next(drawn), names, torch_seed(seed, "proxy weights"), options or {})


def check_options(options: Options, proxies: Sequence[str] = ()) -> None:
    """Raises ConfigError for a proxy that is not known, and an option that it does not take, lacks or refuses.

    proxies: those that will be asked for; one that needs options must have them.
    """
    options = {**{name: {} for name in proxies if name in NEEDS_OPTIONS}, **options}
    directions(tuple(options))
    if not options:
        return
    with torch.random.fork_rng(devices=[]):
        network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    for name, values in options.items():
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
            raise ConfigError(unknown("proxy", name, zerocost.PROXIES))
    return {name: zerocost.PROXIES[name].direction for name in proxies}
