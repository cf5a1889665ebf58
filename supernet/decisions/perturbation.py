"""What a supernet is worth without one of its operations or edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from supernet.mix import Mix

if TYPE_CHECKING:
    from supernet.search import SupernetSearch
    from supernet.space import CellSpace
    from supernet.states import EdgeStates

Criterion = Literal["accuracy", "loss"]
Worth = Callable[[Mix], float]
"""From the mix of a pass to what the supernet is worth with it; higher is better."""


def without(mix: Mix, kind: str, edge: int, place: int | None = None) -> Mix:
    """The mix with one operation's weight set to 0, or those of a whole edge; the other weights stay as they are."""
    theta = mix.theta[kind].detach().clone()
    executed = list(mix.executed[kind])
    if place is None:
        theta[edge], executed[edge] = 0, ()
    else:
        theta[edge, place] = 0
        executed[edge] = tuple(other for other in executed[edge] if other != place)
    changed = mix.with_theta({**mix.theta, kind: theta})
    return replace(changed, executed={**mix.executed, kind: tuple(executed)})


def validation_worth(search: SupernetSearch, criterion: Criterion, batches: int | None) -> Worth:
    """Accuracy, or cross-entropy with its sign turned, on the first ``batches`` of the alphas' half (None: all of it)."""

    def worth(mix: Mix) -> float:
        accuracy, loss = search.evaluate(mix, batches=batches)
        return accuracy if criterion == "accuracy" else -loss

    return worth


def most_needed(mix: Mix, kind: str, edge: int, places: Sequence[int], worth: Worth) -> int:
    """The operation of an edge without which the supernet is worth least; ties go to the first place, NaN counts as most."""
    if len(places) == 1:
        return places[0]
    return min(places, key=lambda place: _number(worth(without(mix, kind, edge, place)), math.inf))


def least_needed(mix: Mix, kind: str, edges: Sequence[int], worth: Worth) -> int:
    """The edge without which the supernet is worth most; ties go to the first edge, NaN counts as least."""
    return max(edges, key=lambda edge: _number(worth(without(mix, kind, edge)), -math.inf))


def _number(value: float, instead: float) -> float:
    return instead if math.isnan(value) else value


def candidates(space: CellSpace, states: EdgeStates, kind: str, edge: int) -> list[int]:
    """Places of the operations that an edge may be fixed to: allowed and, where there are such, derivable."""
    allowed = list(states.places(kind)[edge])
    names = space.candidates[kind][edge]
    return [place for place in allowed if names[place] not in space.excluded] or allowed


def crowded_nodes(space: CellSpace, states: EdgeStates, kind: str) -> dict[int, list[int]]:
    """Nodes that keep more incoming edges than a derived cell may, with those edges in slot order."""
    if space.edges_per_node is None:
        return {}
    topology = space.topology(kind)
    kept = {
        node: [slot for slot in topology.incoming(node) if states.kind_of(kind, slot) != "pruned"]
        for node in range(topology.inputs, topology.nodes)
    }
    return {node: slots for node, slots in kept.items() if len(slots) > space.edges_per_node}
