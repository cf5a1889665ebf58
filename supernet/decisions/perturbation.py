"""The worth of a supernet without one of its operations or edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from ranknosh.spaces.relaxed import Relaxed
from supernet.mix import Mix
from supernet.part import Running
from supernet.states import EdgeStates

Criterion = Literal["metric", "loss"]
"""What an operation is missed by: the metric of the task (accuracy, of classes), or minus the loss."""
Worth = Callable[[Mix], float]
"""From a mix to the worth of the supernet with it; higher is better."""


def without(mix: Mix, kind: str, edge: int, place: int | None = None) -> Mix:
    """The mix without one operation or without a whole edge; all other weights stay as they are.

    Args:
        mix: The mix to change; it is not modified.
        kind: Kind of the cell.
        edge: Index of the edge.
        place: Index of the operation; None for the whole edge.

    Returns:
        A mix in which the weight is 0 and the operation does not run.
    """
    # The weights that are left are not normalised again: the perturbation is the removal alone.
    theta = mix.theta[kind].detach().clone()
    executed = list(mix.executed[kind])
    if place is None:
        theta[edge], executed[edge] = 0, ()
    else:
        theta[edge, place] = 0
        executed[edge] = tuple(other for other in executed[edge] if other != place)
    changed = mix.with_theta({**mix.theta, kind: theta})
    return replace(changed, executed={**mix.executed, kind: tuple(executed)})


def validation_worth(search: Running, criterion: Criterion, batches: int | None) -> Worth:
    """A function from a mix to the worth of the supernet with it.

    Args:
        search: The search whose supernet is evaluated.
        criterion: ``metric``, turned so that higher is better, or ``loss`` for minus the mean loss.
        batches: The first batches of the alphas' half that are used; None for all.

    Returns:
        The function; higher is better.
    """

    def worth(mix: Mix) -> float:
        metric, loss = search.evaluate(mix, batches=batches)
        return search.judge.worth(metric) if criterion == "metric" else -loss

    return worth


def most_needed(mix: Mix, kind: str, edge: int, places: Sequence[int], worth: Worth) -> int:
    """The operation of an edge whose removal lowers the worth most; ties go to the first place.

    Args:
        mix: The mix of the whole supernet.
        kind: Kind of the cell.
        edge: Index of the edge.
        places: Operations to choose from, at least one.
        worth: Worth of a mix, higher is better; NaN makes an operation the last choice.

    Returns:
        One of ``places``.
    """
    if len(places) == 1:
        return places[0]
    return min(places, key=lambda place: _number(worth(without(mix, kind, edge, place)), math.inf))


def least_needed(mix: Mix, kind: str, edges: Sequence[int], worth: Worth) -> int:
    """The edge whose removal leaves the highest worth; ties go to the first edge.

    Args:
        mix: The mix of the whole supernet.
        kind: Kind of the cell.
        edges: Edges to choose from, at least one.
        worth: Worth of a mix, higher is better; NaN makes an edge the last choice.

    Returns:
        One of ``edges``.
    """
    return max(edges, key=lambda edge: _number(worth(without(mix, kind, edge)), -math.inf))


def _number(value: float, instead: float) -> float:
    return instead if math.isnan(value) else value


def candidates(space: Relaxed, states: EdgeStates, kind: str, edge: int) -> list[int]:
    """Places of the operations that an edge may be fixed to: the allowed ones, without excluded operations unless all
    are.

    Args:
        space: The space.
        states: Which operations every edge still has.
        kind: Kind of the cell.
        edge: Index of the edge.
    """
    allowed = list(states.places(kind)[edge])
    names = space.candidates[kind][edge]
    return [place for place in allowed if names[place] not in space.excluded] or allowed


def crowded_nodes(space: Relaxed, states: EdgeStates, kind: str) -> dict[int, list[int]]:
    """Nodes that have more incoming edges than a derived cell keeps, with those edges in slot order.

    Args:
        space: The space.
        states: Which edges are pruned.
        kind: Kind of the cell.
    """
    if space.edges_per_node is None:
        return {}
    topology = space.topology(kind)
    kept = {
        node: [slot for slot in topology.incoming(node) if states.kind_of(kind, slot) != "pruned"]
        for node in range(topology.inputs, topology.nodes)
    }
    return {node: slots for node, slots in kept.items() if len(slots) > space.edges_per_node}
