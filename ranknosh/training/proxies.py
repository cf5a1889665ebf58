"""Level 0 of the pyramid: train-free scores of architectures. The one place that calls ``zerocost``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

import zerocost
from ranknosh.config.fields import NEEDS_OPTIONS, PROXIES
from ranknosh.errors import FOREIGN, ConfigError, first_line
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream, torch_seed
from ranknosh.tasks.base import Task
from ranknosh.tasks.data import batches
from zerocost.proxy import Proxy
from zerocost.weighing import proxy_weights as proxy_weights

_TRIED = 3
Options = Mapping[str, Mapping[str, Any]]
"""Keyword arguments of proxies, by the proxy's name."""


@dataclass(frozen=True)
class ProxyScorer:
    """``scorer(architecture)`` gives (values by proxy name, seconds); a value is None where a proxy does not apply.

    Every architecture is scored on the same ``inputs`` (n, ...) with their ``targets``, by the loss of ``task``, and with
    weights drawn from the same seed (from which proxies draw what they need too), so that they differ in nothing but the
    architecture. One that is dead (``Space.is_dead``) gets None for every proxy without being built; :meth:`scores` builds it.
    The global random state is not touched. Instances pickle, with the classes of proxies of the user's own (``own``).
    """

    space: Space
    task: Task
    inputs: torch.Tensor
    targets: torch.Tensor
    proxies: tuple[str, ...]
    weight_seed: int
    options: Options
    own: Mapping[str, type[Proxy]] = field(default_factory=dict)

    def __call__(self, architecture: Architecture) -> tuple[dict[str, float | None], float]:
        started = time.perf_counter()
        if self.space.is_dead(architecture):
            return dict.fromkeys(self.proxies), time.perf_counter() - started
        return self.scores(architecture).values_by_name, time.perf_counter() - started

    def scores(self, architecture: Architecture, proxies: Sequence[str] | None = None) -> zerocost.Scores:
        """Value or reason, direction and seconds of each proxy by its name, dead architectures built like any other.

        proxies: some instead of all of the scorer's; a value does not depend on which others are asked for.
        """
        for name, kind in self.own.items():  # this may be a worker, which has not met them yet
            zerocost.register(kind, name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.weight_seed)
            network: nn.Module = self.space.network(architecture, self.task.signature)
        return zerocost.score(
            network.to(self.inputs.device),
            self.inputs,
            self.targets,
            self.task.evaluation_loss,
            self.proxies if proxies is None else tuple(proxies),
            seed=self.weight_seed,
            options=self.options,
        )

    def to(self, device: torch.device | str) -> ProxyScorer:
        """The same scorer with its inputs on ``device``, where networks then run."""
        return replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device))


def proxy_scorer(
    space: Space,
    task: Task,
    proxies: Sequence[str],
    *,
    batch: int = 64,
    seed: int,
    options: Options | None = None,
) -> ProxyScorer:
    """A scorer on training examples drawn by a seed, prepared, not augmented.

    Args:
        space: of the architectures.
        task: its data, its loss, and what it asks of networks.
        proxies: names.
        batch: examples; all of them where there are fewer.
        seed: of examples and weights.
        options: see :func:`check_options`.

    Raises:
        ConfigError: for a proxy or an option that is not known.
    """
    directions(proxies)
    check_options(options or {})
    order = torch.from_numpy(stream(seed, "proxy images").permutation(len(task.data.train))[:batch])
    data = task.data
    drawn = batches(data.train, data.preparation, batch=batch, order=order)
    names = tuple(dict.fromkeys(proxies))
    alone = task.with_data(data.first(1))  # a scorer is sent to workers, which need no more of the data
    own = {name: zerocost.PROXIES[name] for name in names if name not in PROXIES.builtins}
    return ProxyScorer(space, alone, *next(drawn), names, torch_seed(seed, "proxy weights"), options or {}, own)


def check_options(options: Options, proxies: Sequence[str] = (), flag: str = "--set seeding.options.") -> None:
    """Raises ConfigError for a proxy that is not known, and an option that it does not take, lacks or refuses.

    Args:
        options: by the name of the proxy.
        proxies: those that will be asked for; one that needs options must have them.
        flag: what stands before a proxy's name where its options are given, for messages.
    """
    tried = [name for name in proxies if name in NEEDS_OPTIONS or name not in PROXIES.builtins]
    options = {**{name: {} for name in tried}, **options}
    load_own(tuple(options))
    if not options:
        return
    with torch.random.fork_rng(devices=[]):
        network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    for name, values in options.items():
        lacking = [option for option in NEEDS_OPTIONS.get(name, ()) if option not in values]
        if lacking:
            given = " ".join(f"{flag}{name}.{option}=NUMBER" for option in lacking)
            raise ConfigError(
                f"the proxy {name} needs a value for {' and '.join(lacking)}: such options have no default. Give them with "
                f"{given}, or leave the proxy out"
            )
        try:
            score = zerocost.score(network, torch.eye(2), torch.arange(2), proxies=name, options={name: values})[name]
        except ValueError as error:  # of options, and it names the proxy
            raise ConfigError(f"{error}") from error
        except FOREIGN as error:  # whatever one of the user's own raises
            raise ConfigError(f"the proxy {name} cannot be made: {first_line(error, named=True)}") from error
        if score.reason is not None and score.reason.startswith("TypeError") and values:
            raise ConfigError(f"the proxy {name} refuses its options {dict(values)}: {score.reason}")


def try_own(scorer: ProxyScorer) -> None:
    """Raises ConfigError for a proxy of the user's own that has no value on any of a few networks, saying why."""
    own = [name for name in scorer.proxies if name not in PROXIES.builtins]
    if not own:
        return
    rng = stream(scorer.weight_seed, "try own proxies")
    drawn = [one for one in (scorer.space.sample(rng) for _ in range(20)) if not scorer.space.is_dead(one)][:_TRIED]
    found = [scorer.scores(one, own) for one in drawn]
    for name in own:
        reasons = [scores[name].reason for scores in found]
        if reasons and all(reason is not None for reason in reasons):
            raise ConfigError(
                f"the proxy {name} has no value on any of {len(reasons)} networks of {scorer.space.title}: {reasons[0]}"
            )


def directions(proxies: Sequence[str]) -> Mapping[str, int]:
    """+1 for a proxy whose larger values are better, -1 for the others. Raises ConfigError for one that is not known."""
    load_own(proxies)
    return {name: zerocost.PROXIES[name].direction for name in proxies}


def load_own(proxies: Sequence[str]) -> None:
    """Make those of ``proxies`` that are not ours known to ``zerocost`` in this process.

    Raises:
        ConfigError: for a name that is unknown, cannot be loaded, or names no proxy.
    """
    for name in proxies:
        if name not in zerocost.PROXIES:
            try:
                zerocost.register(PROXIES.load(name), name)
            except (TypeError, ValueError) as error:
                raise ConfigError(f"{name} is no proxy: {error}") from error
