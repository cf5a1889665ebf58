"""Perturbation-based selection without training: a proxy of untrained networks takes the place of its metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor, nn

import zerocost
from ranknosh.spaces.nets.skeleton import EdgeContext
from ranknosh.spaces.relaxed import Cells, Relaxed
from ranknosh.streams import torch_seed
from supernet.data import Batch
from supernet.decisions.perturbation import Worth
from supernet.decisions.projection import project
from supernet.mix import Mix
from supernet.network import Supernet
from supernet.objective import Loss
from supernet.part import Composition, Running
from supernet.selections.magnitude import Magnitude

Proxy = Callable[[nn.Module, Batch], float]
"""From an untrained network ``net(inputs) -> outputs`` and a batch to its value; higher is better, NaN where it is undefined."""


@dataclass(frozen=True)
class ZeroCostProjection(Magnitude):
    """The best of ``candidates`` architectures, each projected out of an untrained supernet of its own (Zero-Cost-PT,
    Xiang et al., AAAI 2023).

    Edges, then nodes, are decided as by :class:`supernet.decisions.Projection`, without tuning, by ``proxy`` on a fresh
    batch for each decision. The distinct architectures, as networks of their own with random weights, are then scored
    on ``votes`` batches, and the highest mean wins.

    Deviation: maps that operations of a node share (ReLU) count once in ``nwot``, and operations that lost their edge
    are not counted.

    Args:
        candidates: Supernets that are projected.
        votes: Batches of the final scoring.
        proxy: A name of ``zerocost.PROXIES`` (the published one is ``nwot``) or a function ``(net, (inputs, targets)) ->
            float``, higher is better.
    """

    candidates: int = 10
    votes: int = 100
    proxy: str | Proxy = "nwot"

    def describe(self) -> str:
        name = self.proxy if isinstance(self.proxy, str) else getattr(self.proxy, "__name__", "a function")
        return f"{name} projection, best of {self.candidates} on {self.votes} batches"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if isinstance(self.proxy, str) and self.proxy not in zerocost.PROXIES:
            return f"there is no proxy {self.proxy!r}; known are {', '.join(zerocost.PROXIES)}"
        return None

    def finish(self, search: Running) -> Cells:
        found = [propose(search, self.proxy_value(search), index) for index in range(self.candidates)]
        distinct = {search.space.write(cells): cells for cells in found}
        if len(distinct) == 1:
            return found[0]
        totals = self.vote(search, list(distinct.values()))
        return list(distinct.values())[max(range(len(totals)), key=lambda index: (totals[index], -index))]

    def vote(self, search: Running, found: list[Cells]) -> list[float]:
        """The mean proxy of each architecture over the batches on which it is defined; minus infinity where it never
        is."""
        value = self.proxy_value(search)
        nets = [discrete(search, cells) for cells in found]
        sums, defined = [0.0] * len(found), [0] * len(found)
        for _, batch in zip(range(self.votes), fresh_batches(search), strict=False):
            for index, net in enumerate(nets):
                score = value(net, batch)
                if math.isfinite(score):
                    sums[index] += score
                    defined[index] += 1
        return [total / times if times else -math.inf for total, times in zip(sums, defined, strict=True)]

    def proxy_value(self, search: Running) -> Proxy:
        """The proxy as a function."""
        return named_proxy(self.proxy, search.loss) if isinstance(self.proxy, str) else self.proxy


def propose(search: Running, proxy: Proxy, index: int) -> Cells:
    """One architecture, projected out of a fresh supernet.

    Args:
        search: Gives method, space, size, data and settings of the fresh supernet.
        proxy: Value of an untrained network on a batch; higher is better.
        index: Number of the supernet, which determines its seed.
    """
    fresh = search.twin(torch_seed(search.seed, "zero-cost", index))
    batches = fresh_batches(fresh)
    for event in count():
        if not project(fresh, proxy_worth(fresh, proxy, next(batches)), event):
            break
    return fresh.states.cells()


def proxy_worth(search: Running, proxy: Proxy, batch: Batch) -> Worth:
    """A function from a mix to the proxy of the supernet with it.

    Args:
        search: The search whose supernet is scored.
        proxy: Value of an untrained network on a batch; higher is better.
        batch: Inputs and targets.

    Returns:
        The function; higher is better.
    """

    def worth(mix: Mix) -> float:
        # Operations of weight 0 still run: proxies count units, and an operation less must not mean fewer of them.
        running = {kind: search.states.places(kind) for kind in search.space.kinds}
        return proxy(MixedNetwork(search.net, replace(mix, executed=running)), batch)

    return worth


class MixedNetwork(nn.Module):
    """A supernet with one mix as a network from inputs to outputs."""

    def __init__(self, net: Supernet, mix: Mix) -> None:
        super().__init__()
        self.net, self.mix = net, mix

    def forward(self, inputs: Tensor) -> Tensor:
        # A proxy may run the network in another precision than the search's, and tokens have none.
        precision = inputs if inputs.is_floating_point() else next(self.net.parameters())
        theta = {kind: weights.to(precision.dtype) for kind, weights in self.mix.theta.items()}
        outputs: Tensor = self.net(inputs, self.mix.with_theta(theta))
        return outputs


def discrete(search: Running, cells: Cells) -> nn.Module:
    """The network of an architecture at the search's size, with random weights and affine batch norms."""
    space = search.space

    def kept(context: EdgeContext) -> nn.Module | None:
        name = space.names(context.cell_kind, cells)[context.edge_index]
        return None if name is None else space.make(name, context, True)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(search.seed, "zero-cost-vote", 0))
        net = space.build(kept).to(search.device, search.dtype)
    return net.to(memory_format=torch.channels_last) if search.channels_last else net


def fresh_batches(search: Running) -> Iterator[Batch]:
    """Batches of all training examples without end."""
    for epoch in count():
        yield from search.batches("all", epoch=epoch)


def named_proxy(name: str, loss: Loss | None = None) -> Proxy:
    """A proxy of ``zerocost`` under a loss (cross-entropy by default) as a function of which higher is better; NaN where it is
    undefined."""

    def value(net: nn.Module, batch: Batch) -> float:
        oriented = zerocost.score(net, *batch, loss, proxies=(name,))[name].oriented
        return math.nan if oriented is None else oriented

    return value
