"""``choice``, ``one_of`` and ``repeat``: what is searched, said inside an ordinary module's ``__init__``.

The three ask the build that is running. An :class:`Exploring` build visits everything once and so finds the slots and the
conditions under which each exists; a :class:`Building` build answers from the options of one architecture. Slots depend on
``one_of`` and ``repeat`` alone, so that the first build can find them all; a build that meets another set of slots is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from ranknosh.errors import SpaceError
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.slots import Condition

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["choice", "one_of", "repeat"]
Option = TypeVar("Option")
RULE = (
    "which choices there are may depend on the branch of a one_of and on the number of a repeat, and on nothing else: make a "
    "choice that only some architectures have inside a branch of a one_of or inside the make(i) of a repeat"
)


@dataclass(frozen=True, slots=True)
class DeclaredSlot:
    """A choice as the module declares it.

    Args:
        kind: the function that asked.
        choice: its name and options: values, labels of branches, or counts.
        conditions: any of which reaches it, in numbers of slots; None where it is always reached.
    """

    kind: Kind
    choice: Choice
    conditions: tuple[Condition, ...] | None


class Build(Protocol):
    """Answers what a module under construction asks."""

    def option(self, kind: Kind, choice: Choice) -> Any: ...

    def branch(self, choice: Choice, makes: Mapping[str, Callable[[], nn.Module]]) -> nn.Module: ...

    def several(self, choice: Choice, make: Callable[[int], nn.Module]) -> list[nn.Module]: ...


_RUNNING: ContextVar[Build | None] = ContextVar("build", default=None)


def choice(name: str, options: Sequence[Option]) -> Option:
    """One of ``options``, inside the ``__init__`` of a module that a space builds.

    Numbers given in rising order are taken to have that order. The same name asked for again in one network, with the same
    options, is one choice and gives the same value, for example a width that all blocks share.

    Args:
        name: of the choice, such as ``"stem.width"``.
        options: texts, numbers, True, False or None, all different. The first is the one that is meant where nothing is chosen.

    Raises:
        SpaceError: no space is building, the name is known with other options, or the rule of this module's head is broken.
    """
    made: Option = _running("choice", name).option("choice", _declared(name, options))
    return made


def one_of(name: str, branches: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
    """The module of one of ``branches``, inside the ``__init__`` of a module that a space builds.

    Choices asked for while a branch is made exist only where that branch is taken. Asked for again under the same name, with
    the same labels, it takes the same branch and makes another module of it.

    Args:
        name: of the choice.
        branches: from a label to a function without arguments that makes the module.

    Raises:
        SpaceError: as of :func:`choice`; or a branch makes no module.
    """
    build = _running("one_of", name)
    if not isinstance(branches, Mapping) or not all(isinstance(label, str) for label in branches):
        raise SpaceError(f'one_of({name!r}) takes a mapping {{"label": make}}, and was given {branches!r}')
    return build.branch(_declared(name, list(branches)), branches)


def repeat(name: str, counts: Sequence[int], make: Callable[[int], nn.Module]) -> nn.Sequential:
    """``make(0)``, ``make(1)``, ... one after another, inside the ``__init__`` of a module that a space builds.

    Choices asked for while ``make(i)`` runs exist only where the number is above i. A name with i in it, such as
    ``f"block{i}.kernel"``, is a choice for each block; one without is shared by all.

    Args:
        name: of the choice.
        counts: how many there may be, whole numbers from 0 on, all different.
        make: from a number, counted from 0, to a module.

    Raises:
        SpaceError: as of :func:`choice`; or ``make`` gives no module.
    """
    from torch import nn

    build = _running("repeat", name)
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts):
        raise SpaceError(
            f"repeat({name!r}) takes counts that are whole numbers from 0 on, and was given {list(counts)!r}"
        )
    if isinstance(make, nn.Module) or not callable(make):
        raise SpaceError(
            f"repeat({name!r}) takes a function of i that makes module number i, and was given {_kind(make)}"
        )
    return nn.Sequential(*build.several(_declared(name, counts), make))


@contextmanager
def building(build: Build) -> Iterator[None]:
    """A context in which ``choice``, ``one_of`` and ``repeat`` ask ``build``."""
    token = _RUNNING.set(build)
    try:
        yield
    finally:
        _RUNNING.reset(token)


class Exploring:
    """Visits every branch and the longest repeat, each choice at its first option, and notes what is asked for.

    A module is given the first branch of a ``one_of``.
    """

    def __init__(self) -> None:
        self._declared: dict[str, tuple[Kind, Choice]] = {}
        # Per slot: the slot and the options of it that lead there; a slot that is always reached depends on none.
        self._after: dict[str, dict[str, set[int]]] = {}
        self._always: set[str] = set()
        self._path: tuple[tuple[str, frozenset[int]], ...] = ()

    def option(self, kind: Kind, choice: Choice) -> Any:
        name = choice.name
        known = self._declared.setdefault(name, (kind, choice))
        if known != (kind, choice):
            raise _other(kind, choice, *known)
        if any(name == above for above, _ in self._path):
            raise SpaceError(f"{kind}({name!r}) is asked for inside itself; give the inner one a name of its own")
        after = self._after.setdefault(name, {})
        if self._path:
            above, options = self._path[-1]
            after.setdefault(above, set()).update(options)
        else:
            self._always.add(name)
        return choice.options[0]

    def branch(self, choice: Choice, makes: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
        self.option("one_of", choice)
        made = []
        for place, label in enumerate(makes):
            with self._under(choice, {place}):
                made.append(made_branch(choice.name, label, makes))
        return made[0]

    def several(self, choice: Choice, make: Callable[[int], nn.Module]) -> list[nn.Module]:
        self.option("repeat", choice)
        made = []
        for number in range(max(choice.options)):
            with self._under(choice, {place for place, count in enumerate(choice.options) if count > number}):
                made.append(made_number(choice.name, number, make))
        return made

    @contextmanager
    def _under(self, choice: Choice, options: set[int]) -> Iterator[None]:
        outer = self._path
        # What every option has depends on nothing new.
        if len(options) < len(choice.options):
            self._path = (*outer, (choice.name, frozenset(options)))
        try:
            yield
        finally:
            self._path = outer

    def slots(self) -> tuple[DeclaredSlot, ...]:
        """What was asked for, each after the slots it depends on, else in the order of asking.

        Raises:
            SpaceError: two choices that are each asked for inside the other.
        """
        needed = {name: set() if name in self._always else set(after) for name, after in self._after.items()}
        order = _in_order(needed)
        number = {name: place for place, name in enumerate(order)}
        return tuple(DeclaredSlot(*self._declared[name], self._conditions(name, number)) for name in order)

    def _conditions(self, name: str, number: Mapping[str, int]) -> tuple[Condition, ...] | None:
        if name in self._always:
            return None
        return tuple(Condition(number[above], frozenset(options)) for above, options in self._after[name].items())


class Building:
    """Answers from the options of one architecture, and notes what is asked for.

    Args:
        slots: of the space.
        code: the option of every slot.
    """

    def __init__(self, slots: Sequence[DeclaredSlot], code: Sequence[int]) -> None:
        self._known = {slot.choice.name: (slot, option) for slot, option in zip(slots, code, strict=True)}
        self.asked: set[str] = set()

    def option(self, kind: Kind, choice: Choice) -> Any:
        return choice.options[self.place(kind, choice)]

    def place(self, kind: Kind, choice: Choice) -> int:
        """The place of the option taken."""
        if choice.name not in self._known:
            raise SpaceError(f"{kind}({choice.name!r}) is asked for here, but was not in the first build: {RULE}")
        slot, option = self._known[choice.name]
        if (slot.kind, slot.choice) != (kind, choice):
            raise _other(kind, choice, slot.kind, slot.choice)
        self.asked.add(choice.name)
        return option

    def branch(self, choice: Choice, makes: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
        return made_branch(choice.name, self.option("one_of", choice), makes)

    def several(self, choice: Choice, make: Callable[[int], nn.Module]) -> list[nn.Module]:
        return [made_number(choice.name, number, make) for number in range(self.option("repeat", choice))]


def made_branch(name: str, label: str, makes: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
    """The module of one branch. Raises SpaceError where it makes none."""
    from torch import nn

    make = makes[label]
    # A module is callable, too: calling it would run it.
    if isinstance(make, nn.Module) or not callable(make):
        raise SpaceError(
            f"branch {label!r} of one_of({name!r}) is {_kind(make)}; give a function that makes the module, such as "
            "lambda: nn.Identity()"
        )
    module = make()
    if not isinstance(module, nn.Module):
        raise SpaceError(
            f"branch {label!r} of one_of({name!r}) makes {_kind(module)}; it has to make a torch.nn.Module"
        )
    return module


def made_number(name: str, number: int, make: Callable[[int], nn.Module]) -> nn.Module:
    """Module ``number`` of a repeat. Raises SpaceError where none is made."""
    from torch import nn

    module = make(number)
    if not isinstance(module, nn.Module):
        raise SpaceError(f"make({number}) of repeat({name!r}) gives {_kind(module)}; it has to give a torch.nn.Module")
    return module


def _running(kind: Kind, name: str) -> Build:
    build = _RUNNING.get()
    if build is None:
        raise SpaceError(
            f"{kind}({name!r}) is asked for, but no space is building: nothing says what is to be taken. Build the module by "
            "ModuleSpace(Net).network(architecture, signature); ModuleSpace(Net).sample(numpy.random.default_rng(0)) draws an "
            "architecture"
        )
    return build


def _declared(name: str, options: Sequence[Any]) -> Choice:
    if not isinstance(name, str) or not name:
        raise SpaceError(f"the name of a choice is {name!r}; give a text, such as 'stem.width'")
    if isinstance(options, str) or not isinstance(options, Sequence):
        raise SpaceError(f"the options of {name!r} are {options!r}; give a list")
    options = [getattr(option, "item", lambda option=option: option)() for option in options]  # numbers of numpy
    for option in options:
        number = isinstance(option, (int, float)) and math.isfinite(option)
        if option is not None and not isinstance(option, str) and not number:
            raise SpaceError(
                f"an option of {name!r} is {_kind(option)}; options are texts, numbers, True, False or None. For modules use "
                "one_of; for anything else choose a name and look it up, such as TABLE[choice(...)]"
            )
    numbers = all(isinstance(option, (int, float)) and not isinstance(option, bool) for option in options)
    rising = numbers and all(first < second for first, second in pairwise(options))
    return Choice(name, tuple(options), ordered=rising and len(options) > 1)


def _other(kind: Kind, choice: Choice, known_kind: Kind, known: Choice) -> SpaceError:
    return SpaceError(
        f"{kind}({choice.name!r}, {list(choice.options)}) is asked for, and the same name was asked for as "
        f"{known_kind}({known.name!r}, {list(known.options)}): one name is one choice; give the second a name of its own"
    )


def _kind(value: object) -> str:
    return f"{value!r} ({type(value).__name__})"


def _in_order(needed: Mapping[str, set[str]]) -> list[str]:
    """The names, each after those it needs; among those that could come next the one first asked for."""
    first = {name: place for place, name in enumerate(needed)}
    sorter = TopologicalSorter(needed)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " and ".join(map(repr, dict.fromkeys(error.args[1])))
        raise SpaceError(
            f"{circle} are each asked for inside the other; give the inner ones names of their own"
        ) from None
    order: list[str] = []
    ready: set[str] = set(sorter.get_ready())
    while ready:
        name = min(ready, key=first.__getitem__)
        ready.remove(name)
        order.append(name)
        sorter.done(name)
        ready.update(sorter.get_ready())
    return order
