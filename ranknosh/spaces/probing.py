"""Which ``one_of`` of a module space can be an edge of a supernet: those whose branches all give outputs of one shape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ranknosh.errors import FOREIGN, SpaceError, first_line
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.building import outputs_of, trial_batch
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.declare import Building, DeclaredSlot, made_branch
from ranknosh.spaces.signature import Signature

Shape = tuple[int, ...]


class Declared(Protocol):
    """What is asked of a :class:`~ranknosh.spaces.module.ModuleSpace` here."""

    name: str
    declared: tuple[DeclaredSlot, ...]
    choices: tuple[Choice, ...]

    @property
    def title(self) -> str: ...

    def made(self, asking: Building, signature: Signature, doing: str) -> nn.Module: ...

    def of(self, options: Iterable[int]) -> Architecture: ...

    def format(self, architecture: Architecture) -> str: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module asks for a ``one_of``: shapes of input and output without the batch, and what is wrong with it."""

    name: str
    given: Shape
    made: Shape
    reason: str | None


def longest(space: Declared, fixed: Mapping[str, Any] | None = None) -> Architecture:
    """The architecture that a supernet is built around: the longest of every repeat, the first branch and the first option of
    everything else.

    Args:
        space: of modules.
        fixed: options to take instead, by the names of their choices.

    Raises:
        SpaceError: a name or an option that the space does not have.
    """
    given = dict(fixed or {})
    code = []
    for slot in space.declared:
        choice = slot.choice
        if choice.name in given:
            code.append(choice.find(given.pop(choice.name)))
        else:
            code.append(choice.options.index(max(choice.options)) if slot.kind == "repeat" else 0)
    if given:
        raise SpaceError(f"{space.title} has no choice {', '.join(map(repr, given))}")
    return Architecture(space.name, tuple(code))  # as it is: what lies inside the other branches is built too


def no_edges(space: Declared, signature: Signature, fixed: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Every ``one_of`` that cannot be an edge of a supernet, with the reason.

    Args:
        space: of modules.
        signature: of the networks.
        fixed: options of other choices, see :func:`longest`.

    Raises:
        SpaceError: the network cannot be built or run.
    """
    reasons: dict[str, str] = {}
    _probed(space, signature, fixed, reasons)
    return reasons


def places_of(space: Declared, signature: Signature, fixed: Mapping[str, Any] | None = None) -> tuple[Place, ...]:
    """The places of the edges of a supernet in the order in which the module asks for them; every other ``one_of`` is at the
    branch that :func:`longest` takes.

    Args:
        space: of modules.
        signature: of the networks.
        fixed: options of other choices, see :func:`longest`.

    Raises:
        SpaceError: the network cannot be built or run.
    """
    return _probed(space, signature, fixed, {})


def _probed(
    space: Declared, signature: Signature, fixed: Mapping[str, Any] | None, reasons: dict[str, str]
) -> tuple[Place, ...]:
    """Builds and runs with every branch, then again without those that disagree, until all agree; notes ``reasons``."""
    code = longest(space, fixed).code
    names = [slot.choice.name for slot in space.declared if slot.kind == "one_of"]
    while True:
        with torch.random.fork_rng(devices=[]):
            build = _Probing(space, code, reasons)
            network = space.made(build, signature, f"building {space.title} with every branch")
        outputs_of(network, trial_batch(signature, network), f"running {space.title} with every branch")
        places = [probe.place() for probe in build.probes]
        wrong = {place.name: place.reason for place in places if place.reason is not None}
        missing = {*names} - reasons.keys() - {place.name for place in places}
        wrong |= dict.fromkeys(missing, "the network that a supernet is built around does not ask for it")
        if not wrong:
            return tuple(places)
        reasons |= wrong


class _Probe(nn.Module):
    """Runs every branch, notes the shapes, and gives on what the first makes."""

    def __init__(self, choice: Choice) -> None:
        super().__init__()
        self.choice = choice
        self.branches = nn.ModuleList()
        self.given: Shape = ()
        self.shapes: list[Shape] = []
        self.faults: list[str | None] = []

    def forward(self, x: Tensor) -> Tensor:
        runs = [self._run(branch, x) for branch in self.branches]
        self.given = tuple(x.shape[1:])
        self.shapes = [tuple(output.shape[1:]) if isinstance(output, Tensor) else () for output, _ in runs]
        self.faults = [fault for _, fault in runs]
        first, fault = runs[0]
        if first is None:
            raise RuntimeError(f"branch {self.choice.options[0]!r} of one_of({self.choice.name!r}) {fault}")
        return first

    def _run(self, branch: nn.Module, x: Tensor) -> tuple[Tensor | None, str | None]:
        """What a branch makes, where that is a tensor, and what is wrong with it."""
        before = x.clone()
        try:
            output = branch(x)
        except FOREIGN as error:
            return None, f"fails: {first_line(error, named=True)}"
        if not isinstance(output, Tensor):
            return None, f"makes {type(output).__name__}, no tensor"
        if torch.equal(x, before):
            return output, None
        output = output.clone()  # it may be the input itself, which goes back to what it was
        x.copy_(before)
        return output, "changes its input in place, which the other branches read"

    def place(self) -> Place:
        labels = self.choice.options
        said = [f"{label} {fault}" for label, fault in zip(labels, self.faults, strict=False) if fault]
        reason = None
        if not self.shapes:
            reason = "it is not run in the network of the longest repeats"
        elif said:
            reason = f"of {self.given} {said[0]}"
        elif len({*self.shapes}) > 1:
            made = ", ".join(f"{label} makes {shape}" for label, shape in zip(labels, self.shapes, strict=True))
            reason = f"of {self.given} {made}"
        elif any("." in label or hasattr(nn.ModuleDict, label) or not label for label in labels):
            reason = f"its labels {list(labels)} cannot all name modules of torch; leave out dots and names of methods"
        elif not self.given or not self.shapes[0]:
            reason = (
                f"its input is {self.given} and its output {self.shapes[0]} without the batch, which have no channels"
            )
        return Place(self.choice.name, self.given, self.shapes[0] if self.shapes else (), reason)


class _Probing(Building):
    """A build whose ``one_of`` makes every branch, but for those that are ``closed``, and gives all of them as one module."""

    def __init__(self, space: Declared, code: Sequence[int], closed: Collection[str]) -> None:
        super().__init__(space.declared, code)
        self.closed = closed
        self.probes: list[_Probe] = []

    def branch(self, choice: Choice, makes: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
        if choice.name in self.closed:
            return super().branch(choice, makes)
        self.place("one_of", choice)
        probe = _Probe(choice)
        self.probes.append(probe)
        probe.branches.extend(made_branch(choice.name, label, makes) for label in makes)
        return probe
