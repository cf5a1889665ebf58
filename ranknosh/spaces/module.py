"""A search space made of a module of the user's own, which says by ``choice``, ``one_of`` and ``repeat`` what is searched."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.building import check_shape, guarded, initialise, on_meta, trial_batch
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.declare import RULE, Building, DeclaredSlot, Exploring, building
from ranknosh.spaces.encodings import Codes, Graphs, Rows
from ranknosh.spaces.module_rows import ModuleRows
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.spaces.relaxed import Relaxed

STAND_INS = tuple(
    Signature(*shapes)
    for shapes in (
        ((3, 64, 64), (10,)),
        ((64,), (10,)),
        ((64,), (10,), "int64", 100),
        ((16, 64), (10,)),
        ((3, 64, 64), (10, 64, 64)),
        ((64,), (64, 100), "int64", 100),
        ((3, 16, 64, 64), (10,)),
    )
)
"""Signatures tried to find the slots, which do not depend on the signature, before a task is known."""


class ModuleSpace(ConditionalSpace):
    """The networks that a module's ``__init__(signature)``, or a function of the signature, can build.

    The slots are found by building once with every branch of every ``one_of`` and the longest of every ``repeat``. A code holds
    the option of every slot, in the order of asking, and the first one where the slot is not reached: an architecture has one
    code. ``name`` ends with a digest of the slots, so that a journal of another version of the module is not taken for this one.

    Args:
        net: a class of modules, or a function, whose first argument is the :class:`~ranknosh.spaces.signature.Signature`.
        signature: the slots are found with; None to try usual ones (images, rows, sequences, tokens).
        settings: further arguments of ``net``, as plain JSON data, the same for all architectures.

    Raises:
        SpaceError: ``net`` raises, declares nothing, or breaks a rule of :mod:`ranknosh.spaces.declare`.
    """

    def __init__(self, net: Callable[..., nn.Module], signature: Signature | None = None, **settings: Any) -> None:
        _check_arguments(net, settings)
        self.net, self._signature, self._settings = net, signature, settings
        self._checked: set[Signature] = set()
        self.declared = self._explored()
        self.choices = tuple(slot.choice for slot in self.declared)
        self.conditions = tuple(slot.conditions for slot in self.declared)
        definition = [[slot.kind, slot.choice.name, slot.choice.options, _plain(slot)] for slot in self.declared]
        digest = hashlib.sha256(json.dumps(definition).encode()).hexdigest()[:8]
        self.name = f"{self.title}-{digest}"

    @property
    def title(self) -> str:
        """The name of the class or function, without the digest."""
        return getattr(self.net, "__qualname__", type(self.net).__name__)

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._settings

    @property
    def reference(self) -> str:
        """``module:name`` of the class or function. That of a script or a notebook begins with ``__main__``: it cannot be loaded
        again by name, and goes to workers by value."""
        return f"{getattr(self.net, '__module__', '')}:{self.title}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModuleSpace) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.net, self.name, json.dumps(self._settings, sort_keys=True, default=repr)

    def scaled(self, **settings: Any) -> Self:
        """The same module with other settings. Raises SpaceError where it declares other slots with them."""
        other = type(self)(self.net, self._signature, **{**self._settings, **settings})
        if other.name != self.name:
            changed = ", ".join(f"{name}={value!r}" for name, value in settings.items())
            raise SpaceError(f"{self.title} declares other choices with {changed}: settings may change sizes only")
        return other

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The module ``net(signature, **settings)`` makes for an architecture.

        The first network of a signature is run on a batch of two to see that the shape of its outputs is the signature's.

        Args:
            architecture: of this space.
            signature: shapes of inputs and outputs.

        Raises:
            SpaceError: ``net`` or its ``forward`` raises (file and line are named), makes no module or another shape, or asks for
                other choices than the architecture has.
        """
        network = self._built(architecture, signature)
        what = f"{self.describe(architecture)} of {self.title}"
        initialise(network, lambda: trial_batch(signature, network), f"running {what}")
        in_memory = not any(parameter.is_meta for parameter in network.parameters())
        if in_memory and signature not in self._checked:
            check_shape(network, signature, what)
            self._checked.add(signature)
        return network

    def relaxed(self, signature: Signature) -> Relaxed | None:
        """Every ``one_of`` whose branches agree in shape is an edge of the supernet, in the network of the longest repeats with
        every other choice at its first option (:func:`ranknosh.spaces.module_supernet.relaxed_module` takes others)."""
        from ranknosh.spaces.module_supernet import relaxed_module

        return relaxed_module(self, signature)

    def _built(self, architecture: Architecture, signature: Signature) -> nn.Module:
        code = self.chosen(architecture)
        asking = Building(self.declared, code)
        network = self.made(asking, signature, f"building {self.describe(architecture)} of {self.title}")
        for slot, here in zip(self.declared, self.slots.reached(code), strict=True):
            if here != (slot.choice.name in asking.asked):
                raise SpaceError(
                    f"{slot.kind}({slot.choice.name!r}) is {'not ' if here else ''}asked for by {self.describe(architecture)} of "
                    f"{self.title}, {'but' if here else 'and'} was {'' if here else 'not '}in the first build: {RULE}"
                )
        return network

    def made(self, asking: Building | Exploring, signature: Signature, doing: str) -> nn.Module:
        from torch import nn

        with building(asking):
            network = guarded(doing, lambda: self.net(signature, **self._settings), self.net)
        if not isinstance(network, nn.Module):
            raise SpaceError(
                f"{self.title} gave {type(network).__name__}; a space is a class of torch.nn.Module, or a function of the "
                "signature that gives one"
            )
        return network

    def _explored(self) -> tuple[DeclaredSlot, ...]:
        raised: list[SpaceError] = []
        for signature in STAND_INS if self._signature is None else (self._signature,):
            try:
                slots = self._slots_of(signature)
            except SpaceError as error:
                raised.append(error)
                continue
            if not slots:
                raise SpaceError(
                    f"{self.title} declares nothing to search: call choice, one_of or repeat in its __init__"
                )
            return slots
        first = raised[0]
        is_rule = first.__cause__ is None or isinstance(first.__cause__, SpaceError)  # whatever the shape
        if is_rule or self._signature is not None:
            raise first
        raise SpaceError(
            f"{first}. None of {len(STAND_INS)} usual shapes of inputs could be built either; where it needs others, name a "
            f"space that says so: space = ModuleSpace({self.title}, Signature(inputs, outputs))"
        ) from first

    def _slots_of(self, signature: Signature) -> tuple[DeclaredSlot, ...]:
        """What one exploring build asks for."""
        explored: list[Exploring] = []

        def build() -> nn.Module:
            explored.append(Exploring())
            return self.made(
                explored[-1], signature, f"building {self.title} for {signature.inputs} -> {signature.outputs}"
            )

        on_meta(build)
        return explored[-1].slots()

    def describe(self, architecture: Architecture) -> str:
        """``depth=2, block0=conv``: the options of the slots that are reached."""
        return ", ".join(f"{name}={option}" for name, option in self.decode(architecture).items())

    @cached_property
    def _rows(self) -> ModuleRows:
        return ModuleRows(self.declared, self.slots)

    def features(self, codes: Codes) -> Rows:
        """(n, d), see :meth:`~ranknosh.spaces.module_rows.ModuleRows.features`."""
        return self._rows.features(codes)

    def graphs(self, codes: Codes) -> Graphs:
        """The slots that are reached, see :meth:`~ranknosh.spaces.module_rows.ModuleRows.graphs`."""
        return self._rows.graphs(codes)


def _check_arguments(net: Any, settings: Mapping[str, Any]) -> None:
    """Raises SpaceError where ``net`` is no function of a signature, or has no such settings."""
    if not callable(net) or (
        hasattr(net, "named_parameters") and not inspect.isclass(net)
    ):  # a module that is built already
        raise SpaceError(f"a space is made of a class of modules or of a function of the signature, not of {net!r}")
    try:
        takes = inspect.signature(net)
    except (TypeError, ValueError):  # a class without a signature of its own
        return
    names = list(takes.parameters)
    try:
        takes.bind(None, **settings)
    except TypeError as error:
        title = getattr(net, "__qualname__", repr(net))
        raise SpaceError(
            f"{title}({', '.join(names)}) cannot be called as {title}(signature{''.join(f', {name}=...' for name in settings)}): "
            f"{error}. The signature, with the shapes of inputs and outputs, is its first argument"
        ) from None


def _plain(slot: DeclaredSlot) -> list[list[Any]]:
    return [[condition.slot, sorted(condition.options)] for condition in slot.conditions or ()]
