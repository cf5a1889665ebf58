"""Draws of architectures of a cell space, and their ranking with shared weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ranknosh.errors import SpaceError
from ranknosh.spaces.relaxed import Cells, Relaxed
from supernet.part import Running

_TRIES = 1000


def sample_cells(
    space: Relaxed, generator: torch.Generator, probabilities: Mapping[str, Tensor] | None = None
) -> Cells:
    """One random architecture: an operation for every kept edge.

    Where the space keeps ``edges_per_node``, these edges are drawn uniformly. Excluded operations are never drawn, and
    a cell whose output depends on no input is drawn again.

    Args:
        space: The space.
        generator: Source of the draw, on the CPU.
        probabilities: (edges, operations) per kind, not necessarily of sum 1; None for uniform.

    Returns:
        The kept operation of every edge, None where the edge is not kept.

    Raises:
        SpaceError: No usable cell came up in 1000 draws.
    """
    return {
        kind: sample_kind(space, kind, generator, None if probabilities is None else probabilities[kind])
        for kind in space.kinds
    }


def sample_kind(
    space: Relaxed, kind: str, generator: torch.Generator, probabilities: Tensor | None = None
) -> tuple[int | None, ...]:
    """The random cell of one kind; see :func:`sample_cells`.

    Args:
        space: The space.
        kind: Kind of the cell.
        generator: Source of the draw, on the CPU.
        probabilities: (edges, operations); None for uniform.

    Returns:
        The kept operation of every edge, None where the edge is not kept.

    Raises:
        SpaceError: No usable cell came up in 1000 draws.
    """
    for _ in range(_TRIES):
        places = _draw(space, kind, generator, probabilities)
        if passes(space, kind, places):
            return places
    raise SpaceError(f"no {kind} cell of {space.name} that lets anything pass was found in {_TRIES} draws")


def passes(space: Relaxed, kind: str, places: tuple[int | None, ...]) -> bool:
    """Whether a path leads from an input of the cell to an output.

    Args:
        space: The space.
        kind: Kind of the cell.
        places: The kept operation of every edge; None and ``none`` carry nothing.
    """
    names = space.candidates[kind]
    carries = [place is not None and names[edge][place] != "none" for edge, place in enumerate(places)]
    return any(space.topology(kind).live(carries))


def _draw(
    space: Relaxed, kind: str, generator: torch.Generator, probabilities: Tensor | None
) -> tuple[int | None, ...]:
    topology, kept = space.topology(kind), set(range(len(space.candidates[kind])))
    if space.edges_per_node is not None:
        kept = set()
        for node in range(topology.inputs, topology.nodes):
            slots = topology.incoming(node)
            kept |= {slots[i] for i in torch.randperm(len(slots), generator=generator)[: space.edges_per_node].tolist()}
    places: list[int | None] = []
    for edge, names in enumerate(space.candidates[kind]):
        # An operation is drawn for every edge, so that the next numbers do not depend on which edges are kept.
        shares = torch.ones(len(names)) if probabilities is None else probabilities[edge, : len(names)].float().cpu()
        allowed = torch.tensor([name not in space.excluded for name in names])
        pick = int(torch.multinomial(shares * allowed, 1, generator=generator))
        places.append(pick if edge in kept else None)
    return tuple(places)


def best_of(search: Running, candidates: Iterator[Cells], batches: int | None) -> tuple[Cells, float]:
    """The best of some architectures under shared weights by the metric, and its value; the first of equals.

    Args:
        search: The search whose supernet is evaluated (:meth:`supernet.search.Running.evaluate`).
        candidates: The architectures.
        batches: How many batches of the alphas' half each is evaluated on; None for all.

    Returns:
        The architecture and its value of the judge's metric.

    Raises:
        SpaceError: There are no architectures.
    """
    best: tuple[Cells, float] | None = None
    for cells in candidates:
        value, _ = search.evaluate(search.discrete_mix(cells), batches=batches)
        if best is None or search.judge.worth(value) > search.judge.worth(best[1]):
            best = (cells, value)
    if best is None:
        raise SpaceError("there are no architectures to choose from")
    return best
