"""NPENAS: evolution whose mutants are chosen by a graph network, as a function of what is known."""

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

from ranknosh.errors import ConfigError, SpaceError
from ranknosh.predictors.base import Encodings, Scale
from ranknosh.predictors.gin import GinNetwork, tensors
from ranknosh.predictors.own_proposer import Result
from ranknosh.predictors.rivals import PARENTS, mutants
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import torch_seed

INITIAL = 10
"""Random architectures before the first network learns."""
_HIDDEN, _LAYERS = 32, 3
_STEPS, _RATE, _DECAY = 300, 5e-3, 1e-4


def npenas(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
    """Of mutants of 10 parents, 10 of each, the one that a graph network predicts the best metric.

    Each parent is the better of two drawn. Source: Wei et al., NPENAS, IEEE TNNLS 2022, its form with the predictor NP.
    Deviations: parents are drawn, where the authors' code takes the best; the network learns anew before every architecture
    instead of every 10, sees everything known at every step, and is :class:`~ranknosh.predictors.gin.GinNetwork`, whose edges
    have a direction; it learns metrics in standard deviations instead of through a sigmoid; nothing is trained twice.

    Raises:
        ConfigError: architectures of the space are no graphs.
    """
    if len(results) < INITIAL:
        drawn = space.sample(rng)
        _check_graph(space, drawn)
        return drawn
    pairs = [rng.choice(len(results), size=2, replace=False) for _ in range(PARENTS)]
    parents = [max((results[place] for place in pair), key=lambda result: result.metric) for pair in pairs]
    candidates = mutants(space, [parent.architecture for parent in parents], results, rng)
    if not candidates:
        return space.sample(rng)
    network = _learned(space, tuple(results))
    with torch.no_grad():
        return candidates[int(network(*tensors(Encodings(space, candidates).graphs)).argmax())]


def _check_graph(space: Space, architecture: Architecture) -> None:
    try:
        space.graphs(space.codes([architecture]))
    except SpaceError as error:
        raise ConfigError(
            f"npenas learns graphs, and architectures of {space.title} are none; take bananas, which learns features"
        ) from error


@lru_cache(maxsize=1)
def _learned(space: Space, results: tuple[Result, ...]) -> GinNetwork:
    """What the results teach, and they alone: one that is asked again about the same results is not taught again."""
    metrics = np.array([result.metric for result in results])
    wanted = torch.from_numpy(Scale.of(metrics).apply(metrics).astype(np.float32))
    graphs = Encodings(space, [result.architecture for result in results]).graphs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(zlib.crc32(metrics.tobytes()), "npenas weights"))
        network = GinNetwork(len(graphs.node_kinds), _HIDDEN, _LAYERS)
    seen = tensors(graphs)
    optimizer = torch.optim.Adam(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    for _ in range(_STEPS):
        loss = functional.mse_loss(network(*seen), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()
