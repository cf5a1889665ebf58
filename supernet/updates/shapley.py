"""Alphas that follow the contribution of each operation to the supernet's metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ranknosh.streams import torch_seed
from supernet.data import Batch
from supernet.decisions.perturbation import without
from supernet.mix import Mix
from supernet.objective import floats_as
from supernet.part import Running
from supernet.updates.base import Losses, Update, weight_step

Player = tuple[str, int, int]
"""An operation of the supernet as a player of the game: (kind, edge, place)."""


@dataclass
class ShapleyValues(Update):
    """Before each epoch the alphas move by the operations' Shapley values; within an epoch only weights are trained.

    Shapley-NAS (Xiao et al., CVPR 2022, sec. 3.2 and 3.3, and released code). Each permutation removes the operations
    of the undecided edges in a random order (theta set to 0, the others unchanged); the marginal value of an operation
    is what is lost of the metric (accuracy, of classes) with it. Values are mean minus standard deviation over the
    permutations, standardised over each kind, and smoothed: ``v <- momentum v + (1 - momentum) value``, then ``alpha <-
    alpha + step_size v``, with ``v`` starting from N(0, 0.001^2).

    Deviation: batch norms always use the statistics of the batch; in the released code they do so every other epoch.

    Args:
        permutations: Orders that are tried, each on a batch of its own.
        truncation: A permutation ends once the metric is worse than that of the whole supernet by this factor;
            operations not yet removed count 0 there.
        batch: Examples of a batch, of the alphas' half (all of it where it is smaller).
        momentum: Share of the old values in the moving average.
        step_size: Factor from values to alphas.
    """

    permutations: int = 10
    truncation: float = 0.5
    batch: int = 1024
    momentum: float = 0.8
    step_size: float = 0.1
    uses_validation = False
    _values: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def describe(self) -> str:
        return f"Shapley values of {self.permutations} permutations"

    def begin(self, search: Running) -> None:
        if not self._values:
            generator = torch.Generator().manual_seed(torch_seed(search.seed, "shapley-values"))
            self._values = {
                kind: 1e-3 * torch.randn(alphas.shape, generator=generator, dtype=torch.float64)
                for kind, alphas in search.alphas.items()
            }

    def before_epoch(self, search: Running) -> None:
        # Hooks of the updates of all stages are called; only the present stage's may move the alphas.
        if search.warming_up or search.update is not self:
            return
        values = self.estimate(search)
        with torch.no_grad():
            for kind, alphas in search.alphas.items():
                self._values[kind] = self.momentum * self._values[kind] + (1 - self.momentum) * values[kind]
                moved = alphas + self.step_size * self._values[kind].to(alphas.device, alphas.dtype)
                free = search.movable(kind)
                alphas.copy_(moved if free is None else torch.where(free, moved, alphas))
        # Parts that correct alphas after a gradient step must see this move, too.
        for part in search.method.all_parts():
            part.after_alpha_step(search)

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        return weight_step(search, train)

    @torch.no_grad()
    def estimate(self, search: Running) -> dict[str, Tensor]:
        """(edges, operations) float64 per kind, standardised over the operations that took part, 0 for others; higher
        is better."""
        players: list[Player] = [
            (kind, edge, place)
            for kind in search.space.kinds
            for edge in search.states.undecided(kind)
            for place in search.states.places(kind)[edge]
        ]
        generator = torch.Generator().manual_seed(torch_seed(search.seed, "shapley", search.epoch))
        marginals = []
        with search.net.kept_buffers():
            search.net.train()
            for batch in self._batches(search):
                order = torch.randperm(len(players), generator=generator).tolist()
                worth = worth_without(search, players, batch)
                marginals.append(marginal_worths(order, worth, self.truncation))
        values = cautious_mean(torch.tensor(marginals, dtype=torch.float64))
        found = {}
        for kind, alphas in search.alphas.items():
            mine = [index for index, player in enumerate(players) if player[0] == kind]
            found[kind] = torch.zeros(alphas.shape, dtype=torch.float64)
            for index, value in zip(mine, standardised(values[mine]).tolist(), strict=True):
                found[kind][players[index][1], players[index][2]] = value
        return found

    def _batches(self, search: Running) -> list[Batch]:
        """A batch for each permutation, of the alphas' half in an order that depends on the epoch."""
        found: list[Batch] = []
        passes = 0
        while len(found) < self.permutations:
            for inputs, targets in search.data.batches(
                "alphas",
                batch=min(self.batch, search.data.count("alphas")),
                # Batches are a function of the epoch's number: numbers beyond the search's give orders that no training
                # epoch has.
                epoch=search.epoch + passes * search.method.epochs,
                seed=search.seed,
                augment="none",
                device=search.device,
                channels_last=search.channels_last,
            ):
                found.append((floats_as(inputs, search.dtype), targets))
                if len(found) == self.permutations:
                    break
            passes += 1
        return found

    def state_dict(self) -> dict[str, Any]:
        return {"values": dict(self._values)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._values = dict(state["values"])


def worth_without(search: Running, players: Sequence[Player], batch: Batch) -> Callable[[Sequence[int]], float]:
    """A function from removed players to the metric of what is left.

    Successive calls must each add one player or more to the end of the list: the mixes of shorter lists are kept and
    built upon.

    Args:
        search: The search; its network must be in the mode that the measurement needs.
        players: The operations, whose indices the function takes.
        batch: Inputs and targets the metric is measured on.

    Returns:
        ``worth(removed)``: the metric, turned so that higher is better.
    """
    inputs, targets = batch
    mixes: list[Mix] = [search.mix("evaluation", detached=True)]

    def worth(out: Sequence[int]) -> float:
        # Each removal builds on the mix before, so that a permutation costs one change of a mix for each pass.
        for index in out[len(mixes) - 1 :]:
            mixes.append(without(mixes[-1], *players[index]))
        return search.judge.worth(search.judge.of(search.net(inputs, mixes[len(out)]), targets))

    return worth


def marginal_worths(
    order: Sequence[int], worth: Callable[[Sequence[int]], float], truncation: float = 0.0
) -> list[float]:
    """What is lost with each player when players are removed in ``order``.

    Args:
        order: Indices of the players, first removed first.
        worth: Value of the supernet without the players given; higher is better.
        truncation: Stop once the value is below this share of the value with all players; where that is negative, as a
            loss turned round, once it is that share of the value.

    Returns:
        The loss of each player, by its index; 0 for players that were not removed before the stop.
    """
    found = [0.0] * len(order)
    full = before = worth([])
    if full >= 0:
        least = truncation * full
    else:
        least = full / truncation if truncation else -math.inf
    for count, player in enumerate(order, 1):
        now = worth(order[:count])
        found[player] = before - now
        before = now
        if now < least:
            break
    return found


def cautious_mean(marginals: Tensor) -> Tensor:
    """(players,): mean minus population standard deviation over the rows of ``marginals`` (permutations, players)."""
    return marginals.mean(dim=0) - marginals.std(dim=0, correction=0)


def standardised(values: Tensor) -> Tensor:
    """``values`` (n,) shifted to mean 0 and scaled to (unbiased) standard deviation 1; zeros where all are equal or
    there is one."""
    if len(values) < 2 or float(values.max() - values.min()) == 0:
        return torch.zeros_like(values)
    return (values - values.mean()) / values.std()
