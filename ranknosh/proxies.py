"""Level 0 of the pyramid: train-free scores of architectures. The one place that calls ``zerocost``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import torch
from torch import nn

import zerocost
from ranknosh.data import ImageData, batches
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.spaces.nets import build_candidate
from ranknosh.streams import stream, torch_seed


class ProxyScorer:
    """``scorer(architecture)`` gives (values by proxy name, seconds); a value is None where a proxy does not apply.

    Every architecture is scored on the same training images and with weights drawn from the same seed, so that they differ
    in nothing but the architecture. One that is dead (``Space.is_dead``) gets None for every proxy without being built.
    ``reasons`` keeps the latest reason of every proxy that gave none a value. The global random state is not touched.
    """

    def __init__(
        self,
        space: Space,
        size: NetworkSize,
        images: torch.Tensor,
        labels: torch.Tensor,
        proxies: Sequence[str],
        weight_seed: int,
    ) -> None:
        self.reasons: dict[str, str] = {}
        self._space = space
        self._size = size
        self._images = images
        self._labels = labels
        self._proxies = tuple(dict.fromkeys(proxies))
        self._weight_seed = weight_seed

    def __call__(self, architecture: Architecture) -> tuple[dict[str, float | None], float]:
        started = time.perf_counter()
        if self._space.is_dead(architecture):
            return dict.fromkeys(self._proxies), time.perf_counter() - started
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._weight_seed)
            network: nn.Module = build_candidate(architecture, self._size)
        if self._images.device.type != "cpu":
            network = network.to(self._images.device)
        scores = zerocost.score(
            network,
            self._images,
            self._labels,
            nn.functional.cross_entropy,
            self._proxies,
        )
        self.reasons.update({name: score.reason for name, score in scores.items() if score.reason is not None})
        return scores.values_by_name, time.perf_counter() - started


def proxy_scorer(
    space: Space,
    size: NetworkSize,
    data: ImageData,
    proxies: Sequence[str],
    *,
    batch: int = 64,
    seed: int,
    device: torch.device | str = "cpu",
) -> ProxyScorer:
    """A scorer on ``batch`` training images drawn by ``seed`` (all of them where there are fewer), normalised, not augmented.

    Raises ConfigError for a proxy that is not known or a batch below 1.
    """
    directions(proxies)
    if batch < 1:
        raise ConfigError(f"proxies are scored on a batch of {batch} images; give 1 or more (64 is usual)")
    order = torch.from_numpy(stream(seed, "proxy images").permutation(len(data.train))[:batch])
    images, labels = next(
        batches(data.train, batch=batch, order=order, augment="none", mean=data.mean, std=data.std, device=device)
    )
    return ProxyScorer(space, size, images, labels, proxies, torch_seed(seed, "proxy weights"))


def directions(proxies: Sequence[str]) -> Mapping[str, int]:
    """+1 for a proxy whose larger values are better, -1 for the others. Raises ConfigError for one that is not known."""
    for name in proxies:
        if name not in zerocost.PROXIES:
            raise ConfigError(
                f"seeding.proxies names {name!r}, which is no proxy; known proxies are {', '.join(zerocost.PROXIES)}"
            )
    return {name: zerocost.PROXIES[name].direction for name in proxies}
