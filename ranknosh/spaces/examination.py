"""What a space is, as far as building networks of it shows: choices, costs, shapes, what matters, and what can be a supernet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.building import check_shape, guarded
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.module import ModuleSpace
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.trial import idle_slots
from ranknosh.streams import stream

if TYPE_CHECKING:
    from torch import nn

Measure = Callable[["nn.Module"], int]
"""From a network to what one input costs."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found.

    Args:
        kinds: of every slot: ``choice``, ``one_of`` or ``repeat``.
        conditions: of every slot in words, ``always`` where it is always reached.
        idle: names of slots that change nothing.
        depth: the most choices that decide, one after another, whether another exists.
        sampled: how many architectures costs and shapes are of.
        params: fewest and most parameters of these.
        macs: fewest and most multiply-accumulates of one input.
        extremes: the architectures of fewest and of most parameters, in words.
        edges: choices that can be edges of a supernet.
        no_edges: those that cannot, with the reason.
    """

    kinds: tuple[str, ...]
    conditions: tuple[str, ...]
    idle: tuple[str, ...]
    depth: int
    sampled: int
    params: tuple[int, int]
    macs: tuple[int, int]
    extremes: tuple[str, str]
    edges: tuple[str, ...]
    no_edges: dict[str, str]


def examine(space: Space, signature: Signature, macs: Measure, samples: int, seed: int = 0) -> Examined:
    """Build architectures of a space: ``samples`` of them, and one for every option of every slot.

    Args:
        space: built in or of the user's own.
        signature: of the networks.
        macs: counts multiply-accumulates.
        samples: how many architectures are drawn.
        seed: of the draw.

    Raises:
        SpaceError: a network cannot be built or run, or has outputs of another shape.
    """
    rng = stream(seed, "examination")
    drawn = dict.fromkeys(space.sample(rng) for _ in range(samples))
    measured = [(*_costs(space, one, signature, macs), one) for one in drawn]
    smallest, largest = min(measured, key=lambda row: row[0]), max(measured, key=lambda row: row[0])
    slots = range(len(space.counts))
    conditional = space if isinstance(space, ConditionalSpace) else None
    edges, no_edges = _edges(space, signature)
    return Examined(
        kinds=tuple(space.declared[slot].kind if isinstance(space, ModuleSpace) else "choice" for slot in slots),
        conditions=tuple("always" if conditional is None else conditional.when(slot) for slot in slots),
        idle=tuple(space.choices[slot].name for slot in idle_slots(space, signature)),
        depth=0 if conditional is None else conditional.slots.depth,
        sampled=len(drawn),
        params=(smallest[0], largest[0]),
        macs=(min(row[1] for row in measured), max(row[1] for row in measured)),
        extremes=(space.describe(smallest[-1]), space.describe(largest[-1])),
        edges=edges,
        no_edges=no_edges,
    )


def _costs(space: Space, architecture: Architecture, signature: Signature, macs: Measure) -> tuple[int, int]:
    """Parameters and multiply-accumulates of a network, whose outputs have to be of the signature's shape."""
    import torch

    what = f"{space.describe(architecture)} of {space.title}"
    with torch.random.fork_rng(devices=[]):
        network = space.network(architecture, signature)
    check_shape(network, signature, what)
    counted: int = guarded(f"counting the multiply-accumulates of {what}", lambda: macs(network), type(network))
    return sum(parameter.numel() for parameter in network.parameters()), counted


def _edges(space: Space, signature: Signature) -> tuple[tuple[str, ...], dict[str, str]]:
    if not isinstance(space, ModuleSpace):
        return (), {}
    from ranknosh.spaces.probing import no_edges

    names = [slot.choice.name for slot in space.declared if slot.kind == "one_of"]
    try:
        reasons = no_edges(space, signature)
    except SpaceError as error:
        reasons = dict.fromkeys(names, str(error))
    return tuple(name for name in names if name not in reasons), reasons
