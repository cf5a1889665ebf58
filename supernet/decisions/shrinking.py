"""Shrinking a supernet: step by step the operations of least information are removed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from supernet.edges import MixedOp
from supernet.part import Running
from supernet.report import EpochReport
from supernet.selections.base import Selection
from supernet.states import EdgeStates


@dataclass
class InformationShrinking(Selection):
    """Operations are removed in as many steps as an edge has operations to lose, the last step one epoch before the end
    (IS-DARTS, He et al., AAAI 2024, and released code).

    The operations of largest :func:`information` measure go first. Where all edges are kept (NAS-Bench-201) every edge
    loses one operation a step. Where a derived cell keeps some edges of a node, each step removes an even share of a
    node's operations, over all of its edges, until it has one on each of the edges that it keeps. Scores are the last
    measure with its sign changed.

    Deviations: a node always keeps enough edges (in the released code it may keep two operations of one edge), and its
    operations leave evenly over the steps, where the released code counts its steps backwards, so that on DARTS all
    leave in the first one.

    Args:
        interval: Epochs between steps; None for 2 where all edges are kept and 3 otherwise.
        batches: Batches of all training examples that are measured; None for all.
        compat: A node loses all that it has to lose in the first step, as in the released code.
    """

    interval: int | None = None
    batches: int | None = None
    compat: bool = False
    _steps: int = field(default=0, repr=False, compare=False)
    _measure: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def describe(self) -> str:
        every = "" if self.interval is None else f" every {self.interval}"
        return f"shrinking by information{every}" + (" (compat)" if self.compat else "")

    def after_epoch(self, search: Running, report: EpochReport) -> None:
        interval = self.interval or (2 if search.space.edges_per_node is None else 3)
        steps = search.space.width - 1
        # Counted from the end: step s of 0 .. steps - 1 follows epoch (epochs - 2) - interval * (steps - 1 - s).
        due = [report.epoch >= search.method.epochs - 2 - interval * (steps - 1 - step) for step in range(steps)]
        # More than one step is due at once in searches shorter than the schedule.
        while self._steps < sum(due):
            self._measure = information(search, self.batches)
            for kind, measure in self._measure.items():
                self._shrink(search, kind, measure, 1 if self.compat else steps - self._steps)
            self._steps += 1

    def _shrink(self, search: Running, kind: str, measure: Tensor, steps_left: int) -> None:
        space, states = search.space, search.states
        if space.edges_per_node is None:
            for edge, allowed in enumerate(states.places(kind)):
                if len(allowed) > 1:
                    values = measure[edge].tolist()
                    states.forbid(kind, edge, max(allowed, key=lambda place: (values[place], -place)))
            return
        topology = space.topology(kind)
        for node in range(topology.inputs, topology.nodes):
            slots = topology.incoming(node)
            places = states.places(kind)
            left = [(edge, place) for edge in slots for place in places[edge]]
            names = space.candidates[kind]
            # Excluded operations go first, whatever their measure: the cell could not keep them.
            left.sort(key=lambda at: (names[at[0]][at[1]] not in space.excluded, -float(measure[at])))
            keep = min(space.edges_per_node, len(slots))
            drop(states, kind, left, math.ceil((len(left) - keep) / steps_left), keep)

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        if not self._measure:
            return search.mix("evaluation", detached=True).theta
        return {kind: -measure for kind, measure in self._measure.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps, "measure": dict(self._measure)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._steps, self._measure = state["steps"], dict(state["measure"])


def drop(states: EdgeStates, kind: str, order: list[tuple[int, int]], count: int, keep: int) -> None:
    """Remove the first ``count`` operations of an order, skipping those whose removal would leave fewer than ``keep``
    edges.

    Args:
        states: Changed in place; an edge that loses its last operation is pruned.
        kind: Kind of the cell.
        order: (edge, place) of all operations of these edges, first to be removed first.
        count: How many are removed; fewer where too many have to be skipped.
        keep: Edges that must keep an operation.
    """
    remaining = {edge: sum(other == edge for other, _ in order) for edge, _ in order}
    for edge, place in order:
        if count <= 0:
            return
        if remaining[edge] == 1 and len(remaining) <= keep:
            continue
        count -= 1
        if remaining[edge] == 1:
            del remaining[edge]
            states.prune(kind, edge)
        else:
            remaining[edge] -= 1
            states.forbid(kind, edge, place)


@torch.no_grad()
def information(search: Running, batches: int | None) -> dict[str, Tensor]:
    """The mean of :func:`fisher` over examples and cells; lower is better.

    Batch norms use the statistics of each batch, and no running statistic changes.

    Args:
        search: The search whose supernet is measured, with mean weights.
        batches: Batches of all training examples, without augmentation; None for all.

    Returns:
        (edges, operations) float64 per kind on the CPU; infinite for operations without an output.
    """
    sums = {kind: torch.full(mask.shape, math.inf, dtype=torch.float64) for kind, mask in search.states.allowed.items()}
    counts = {kind: torch.zeros_like(total) for kind, total in sums.items()}

    def add(kind: str, edge: int, place: int, output: Tensor) -> None:
        if not counts[kind][edge, place]:
            sums[kind][edge, place] = 0
        sums[kind][edge, place] += float(fisher(output).double().sum())
        counts[kind][edge, place] += len(output)

    mix = search.mix("evaluation", detached=True)
    with search.net.kept_buffers(), _watched(search.net, add):
        search.net.train()
        for index, (inputs, _) in enumerate(search.batches("all", epoch=0, augment="none")):
            if batches is not None and index >= batches:
                break
            search.net(inputs, mix)
    return {kind: total / counts[kind].clamp_min(1) for kind, total in sums.items()}


def fisher(output: Tensor) -> Tensor:
    """The mean of ``3 (z - m)^2 / s^6`` over all entries z of each example, m and s being mean and (unbiased) deviation
    over the channels of a place.

    It is the curvature of a Gaussian's log-likelihood (He et al., AAAI 2024, released code).

    Args:
        output: (n, c, ...); computed in float32 or better.

    Returns:
        (n,); infinite where the channels of a place are equal.
    """
    output = output.to(torch.promote_types(output.dtype, torch.float32))
    mean = output.mean(dim=1, keepdim=True)
    spread = output.std(dim=1, keepdim=True)
    values = 3 * (output - mean) ** 2 / spread**6
    return values.nan_to_num(nan=math.inf, posinf=math.inf).mean(dim=tuple(range(1, output.ndim)))


@contextmanager
def _watched(net: nn.Module, add: Any) -> Iterator[None]:
    """Call ``add(kind, edge, place, output)`` for every operation of a mixed edge that runs."""

    def hook(kind: str, edge: int, place: int) -> Any:
        return lambda _module, _inputs, output: add(kind, edge, place, output)

    handles = []
    for mixed in (module for module in net.modules() if isinstance(module, MixedOp)):
        context = mixed.context
        for place, name in enumerate(mixed.at_place):
            if name is not None:
                watch = hook(context.cell_kind, context.edge_index, place)
                handles.append(mixed.operations[name].register_forward_hook(watch))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
