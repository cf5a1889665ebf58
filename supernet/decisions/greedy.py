"""Greedy decisions during the search: again and again the edge of highest score is fixed to its likeliest operation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.decisions.perturbation import Criterion, candidates, most_needed, validation_worth
from supernet.part import Part, Running, Stage
from supernet.relaxations.base import Relaxation
from supernet.report import EpochReport
from supernet.states import EdgeStates


@dataclass
class GreedyDecisions(Part):
    """One edge of every kind is decided after epoch ``warm_up`` and after every ``interval`` epochs from there (SGAS,
    Li et al., CVPR 2020, sec. 3.2, and released code).

    With ``q`` the mean weights of the ``n`` operations of an edge other than ``none``, scaled to sum 1:

    - importance: the weight that is not on ``none`` (eq. 3);
    - certainty: ``1 - H(q) / log n`` (eq. 4 and 5);
    - stability: the mean over the last ``history`` epochs of ``sum min(q_then, q)`` (eq. 6).

    Each is scaled to [0, 1] over the edges of a cell, and the score of an edge is their product. The undecided edge of
    highest score is fixed to its operation of largest ``q``, never to ``none``. A node that has as many fixed edges as
    a derived cell keeps loses the others. What is undecided after the last epoch is decided then.

    Deviation: a measure that is equal on all edges (importance where no edge offers ``none``) is left out; the released
    scaling would make all scores 0.

    Args:
        criterion: 1 for importance times certainty, 2 for that times stability.
        warm_up: Epoch (from 0) after which the first edge is decided.
        interval: Epochs between decisions.
        history: Past epochs that the stability compares.
        batch_growth: Images that every round of decisions adds to the batch.
        choice: ``weight``, or ``perturbation`` (SGAS-PT) for the operation that the supernet needs most.
        worth: For ``perturbation``: metric or loss of the supernet.
        validation_batches: For ``perturbation``: batches of the alphas' half that are used; None for all.
    """

    criterion: Literal[1, 2] = 1
    warm_up: int = 9
    interval: int = 5
    history: int = 4
    batch_growth: int = 8
    choice: Literal["weight", "perturbation"] = "weight"
    worth: Criterion = "metric"
    validation_batches: int | None = None
    _past: dict[str, list[Tensor]] = field(default_factory=dict, repr=False, compare=False)
    _rounds: int = field(default=0, repr=False, compare=False)
    _batch: int | None = field(default=None, repr=False, compare=False)

    def describe(self) -> str:
        chosen = " by perturbation" if self.choice == "perturbation" else ""
        return f"greedy decisions {self.criterion}{chosen} from epoch {self.warm_up} every {self.interval}"

    def fitted(self, stages: tuple[Stage, ...], space: Relaxed) -> tuple[Stage, ...]:
        """Shorten the only stage to the last decision, one more interval and one more epoch: later epochs have nothing
        to search."""
        needed = self.warm_up + self.interval * rounds(space) + 1
        if len(stages) != 1 or stages[0].epochs <= needed:
            return stages
        return (replace(stages[0], epochs=needed),)

    def begin(self, search: Running) -> None:
        if self._batch is None:
            self._batch = search.recipe.batch

    def before_epoch(self, search: Running) -> None:
        assert self._batch is not None
        batch = self._batch + self.batch_growth * self._rounds
        if search.recipe.batch != batch:
            search.enlarge_batch(batch)

    def after_epoch(self, search: Running, report: EpochReport) -> None:
        shares = {kind: operation_shares(search, kind) for kind in search.space.kinds}
        due = report.epoch >= self.warm_up and (report.epoch - self.warm_up) % self.interval == 0
        last = search.ended
        while (due or last) and any(search.states.undecided(kind) for kind in search.space.kinds):
            for kind in search.space.kinds:
                self._decide(search, kind, shares[kind])
            self._rounds += 1
            # One round is due; after the last epoch the loop decides all that is left.
            due = False
        for kind in search.space.kinds:
            # The share of none is of no use to the stability.
            self._past[kind] = [*self._past.get(kind, []), shares[kind][1]][-self.history :]

    def _decide(self, search: Running, kind: str, shares: tuple[Tensor, Tensor]) -> None:
        states, space = search.states, search.space
        undecided = states.undecided(kind)
        if not undecided:
            return
        scores = self.scores(space, kind, *shares)
        edge = max(undecided, key=lambda e: (float(scores[e]), -e))
        states.fix(kind, edge, self._operation(search, kind, edge, shares[1]))
        if space.edges_per_node is not None:
            prune_saturated(space, states, kind)

    def _operation(self, search: Running, kind: str, edge: int, shares: Tensor) -> int:
        places = candidates(search.space, search.states, kind, edge)
        if self.choice == "perturbation":
            worth = validation_worth(search, self.worth, self.validation_batches)
            return most_needed(search.mix("evaluation", detached=True), kind, edge, places, worth)
        return max(places, key=lambda place: (float(shares[edge, place]), -place))

    def scores(self, space: Relaxed, kind: str, importance: Tensor, shares: Tensor) -> Tensor:
        """The product of the scaled measures of every edge.

        Args:
            space: The space.
            kind: Kind of the cell.
            importance: (edges,) weight that is not on ``none``.
            shares: (edges, operations) how the other operations share it.

        Returns:
            (edges,) in [0, 1]; the highest is decided first.
        """
        counts = torch.tensor([sum(name != "none" for name in names) for names in space.candidates[kind]])
        measures = [importance, certainty(shares, counts)]
        past = self._past.get(kind, [])
        if self.criterion == 2 and past:
            measures.append(torch.stack([torch.minimum(then, shares).sum(dim=1) for then in past]).mean(dim=0))
        return torch.stack([scaled(measure) for measure in measures]).prod(dim=0)

    def state_dict(self) -> dict[str, Any]:
        return {"past": {k: list(v) for k, v in self._past.items()}, "rounds": self._rounds, "batch": self._batch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._past = {kind: list(shares) for kind, shares in state["past"].items()}
        self._rounds, self._batch = state["rounds"], state["batch"]


def operation_shares(search: Running, kind: str) -> tuple[Tensor, Tensor]:
    """The weight of each edge that is not on ``none``, (edges,), and how the operations share it, (edges, operations);
    float64, on the CPU.

    Decided edges are included, with the weights that their alphas had when they were decided: they take part in the
    scaling over the edges of a cell.
    """
    # The states of a fresh search: the search's own would give decided edges a single operation of weight 1.
    fresh = EdgeStates(search.space).allowed[kind]
    moment = search.moment("evaluation").of(kind)
    relaxation = search.method.relaxation
    assert isinstance(relaxation, Relaxation)
    with torch.no_grad():
        weights = relaxation.mean(search.alphas[kind], fresh.to(search.device), moment).double().cpu()
    for edge, names in enumerate(search.space.candidates[kind]):
        if "none" in names:
            weights[edge, names.index("none")] = 0
    importance = weights.sum(dim=1)
    return importance, weights / importance.clamp_min(1e-12)[:, None]


def certainty(shares: Tensor, counts: Tensor) -> Tensor:
    """(edges,): 1 minus the entropy of ``shares`` over that of equal shares among ``counts`` operations; 1 for a single
    operation."""
    entropy = -(shares * shares.clamp_min(1e-12).log()).sum(dim=1)
    highest = counts.clamp_min(2).double().log()
    return torch.where(counts > 1, 1 - entropy / highest, torch.ones_like(entropy))


def scaled(measure: Tensor) -> Tensor:
    """``measure`` shifted and scaled to [0, 1]; 1 everywhere where all values are equal."""
    low, high = float(measure.min()), float(measure.max())
    if math.isclose(low, high, rel_tol=1e-9, abs_tol=1e-12):
        return torch.ones_like(measure)
    return (measure - low) / (high - low)


def prune_saturated(space: Relaxed, states: EdgeStates, kind: str) -> None:
    """Remove the undecided edges of nodes that have all the fixed edges they may keep.

    Args:
        space: The space.
        states: Changed in place.
        kind: Kind of the cell.
    """
    topology = space.topology(kind)
    for node in range(topology.inputs, topology.nodes):
        slots = topology.incoming(node)
        fixed = [slot for slot in slots if states.kind_of(kind, slot) == "fixed"]
        if space.edges_per_node is not None and len(fixed) >= space.edges_per_node:
            for slot in set(slots) & set(states.undecided(kind)):
                states.prune(kind, slot)


def rounds(space: Relaxed) -> int:
    """How many rounds of decisions a search takes: those of the kind with most of them."""
    counts = []
    for kind in space.kinds:
        topology = space.topology(kind)
        incoming = [len(topology.incoming(node)) for node in range(topology.inputs, topology.nodes)]
        keep = space.edges_per_node
        counts.append(sum(incoming if keep is None else [min(keep, n) for n in incoming]))
    return max(counts)
