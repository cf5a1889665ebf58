"""A module space as a supernet sees it: every ``one_of`` whose branches agree in shape is an edge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.building import initialise, trial_batch
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.declare import Building, made_branch
from ranknosh.spaces.nets.network import EdgeFactory, TensorEdge
from ranknosh.spaces.nets.skeleton import EdgeContext
from ranknosh.spaces.probing import Declared, Place, longest, places_of
from ranknosh.spaces.relaxed import Cells, Relaxed, without_scale
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.topology import independent

KIND = "module"
"""Of all edges: none shares its architecture parameters with another, unless they have one name."""
MOST_LISTED = 4096


def relaxed_module(space: Declared, signature: Signature, fixed: Mapping[str, Any] | None = None) -> Relaxed | None:
    """What supernets of a module are built of: the network of the longest repeats, every other choice at its first option.

    Args:
        space: of modules.
        signature: of the networks.
        fixed: options of other choices than the edges, by their names, in place of the first.

    Returns:
        The edges in the order of the slots; None where no ``one_of`` has branches of one shape.

    Raises:
        SpaceError: the network cannot be built or run.
    """
    code, places = longest(space, fixed).code, places_of(space, signature, fixed)
    names = {place.name for place in places}
    slots = [slot for slot, choice in enumerate(space.choices) if choice.name in names]
    if not slots:
        return None
    edges = {space.choices[slot].name: number for number, slot in enumerate(slots)}
    labels = tuple(space.choices[slot].options for slot in slots)
    making = _Making()

    def build(factory: EdgeFactory) -> nn.Module:
        making.build = _Relaxing(space, code, places, edges, factory)
        network = space.made(making.build, signature, f"building the supernet of {space.title}")
        initialise(network, lambda: trial_batch(signature, network), f"running the supernet of {space.title}")
        making.build.dry.on = False
        return network

    def write(cells: Cells) -> str:
        found = list(code)
        for slot, kept in zip(slots, cells[KIND], strict=True):
            found[slot] = kept or 0
        return space.format(space.of(found))

    def listed() -> Iterator[Cells]:
        return ({KIND: kept} for kept in product(*(range(len(each)) for each in labels)))

    few = math.prod(map(len, labels)) <= MOST_LISTED
    topologies = {KIND: independent(len(slots))}
    return Relaxed(
        space.name, {KIND: labels}, topologies, build, write, make=making.operation, listed=listed if few else None
    )


@dataclass
class _Dry:
    """While on, edges give zeros: lazy layers find their shapes before a supernet has anything to mix by."""

    on: bool = True


class _Edge(TensorEdge):
    """An edge between plain tensors."""

    def __init__(self, edge: nn.Module | None, context: EdgeContext, dry: _Dry) -> None:
        super().__init__(edge, context.c_in, context)
        self.dry = dry

    def forward(self, x: Tensor) -> Tensor:
        return self.context.zeros(x) if self.dry.on else super().forward(x)


class _Relaxing(Building):
    """A build in which every ``one_of`` that is an edge is made by an edge factory."""

    def __init__(
        self,
        space: Declared,
        code: Sequence[int],
        places: Sequence[Place],
        edges: Mapping[str, int],
        factory: EdgeFactory,
    ) -> None:
        super().__init__(space.declared, code)
        self.places, self.edges, self.factory, self.dry = places, edges, factory, _Dry()
        self.branches: list[Mapping[str, Callable[[], nn.Module]]] = []

    def branch(self, choice: Choice, makes: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
        if choice.name not in self.edges:
            return super().branch(choice, makes)
        # Places are counted as they were when shapes were found: in the order in which the module asks.
        number, edge = len(self.branches), self.edges[choice.name]
        self.branches.append(makes)
        given, made = self.places[number].given, self.places[number].made
        context = EdgeContext(KIND, number, edge, 0, edge + 1, given[0], made[0], 1, made)
        return _Edge(self.factory(context), context, self.dry)


class _Making:
    """Makes the operations of the build that runs."""

    build: _Relaxing

    def operation(self, name: str, context: EdgeContext, affine: bool) -> nn.Module:
        """The module of one branch.

        Raises:
            SpaceError: for other channels than the branch was declared for.
        """
        place = self.build.places[context.cell_index]
        if (context.c_in, context.c_out) != (place.given[0], place.made[0]):
            raise SpaceError(
                f"one_of({place.name!r}) makes {place.made} of {place.given}, and the method asks its branches for "
                f"{context.c_in} and {context.c_out} channels; a module of your own has one width, so take a method without "
                "partial channels"
            )
        module = made_branch(place.name, name, self.build.branches[context.cell_index])
        initialise(module, lambda: torch.zeros(2, *place.given), f"running branch {name!r} of one_of({place.name!r})")
        return module if affine else without_scale(module)  # type: ignore[return-value]  # None gives None alone
