"""Limits on what an architecture costs, which hold before it is trained: whether one meets them, and whether any can."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ranknosh.config.bounds import Bound, looser
from ranknosh.config.units import cost_text
from ranknosh.core.records import Costed
from ranknosh.core.seeding import drawn
from ranknosh.errors import RankNoshError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream

_PATIENCE = 1_000
"""Architectures refused in a row after which a space that cannot be listed is walked through instead of drawn from."""


class ConstraintsUnmet(RankNoshError, exit_code=3):
    """No architecture was found that meets the constraints."""


Known = Mapping[Architecture, Mapping[str, float]]
"""Costs of architectures that were found out, by name."""


class Costs(Protocol):
    """What architectures cost before they are trained, and which of them may be."""

    def of(self, architecture: Architecture) -> Mapping[str, float]:
        """Every cost that is asked for, by name; each is found out once."""
        ...

    def feasible(self, architecture: Architecture) -> bool:
        """Whether it meets all constraints; costs beyond the first broken one are not looked at."""
        ...

    def estimates(
        self, architectures: Sequence[Architecture], names: Sequence[str], known: Known
    ) -> NDArray[np.float64]:
        """(n, k): costs of many architectures, exact where that takes no building or measuring, else near.

        They depend on the arguments alone, and not on what was found out before: a search that is resumed decides alike.
        """
        ...

    def take(self) -> tuple[Costed, ...]:
        """What was measured since the last call, for the journal."""
        ...


@dataclass(frozen=True)
class Constraints:
    """Limits by the name of a cost. ``references``: the cost of each architecture that a share is one of, by cost and text."""

    bounds: Mapping[str, tuple[Bound, ...]] = field(default_factory=dict)
    references: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def limits(self, cost: str) -> Iterator[tuple[Bound, float]]:
        """The bounds on a cost, each with its number."""
        for bound in self.bounds[cost]:
            of = 1.0 if bound.reference is None else self.references[cost, bound.reference]
            yield bound, bound.value * of

    def holds(self, cost: str, value: float) -> bool:
        """Whether a value of a cost is inside its limits."""
        return all(bound.holds(value, limit) for bound, limit in self.limits(cost))

    def excess(self, costs: Mapping[str, float]) -> float:
        """How far costs are outside of all limits, each as a share of its limit; 0 inside."""
        total = 0.0
        for cost in self.bounds:
            for bound, limit in self.limits(cost):
                over = costs[cost] - limit if bound.relation == "<=" else limit - costs[cost]
                total += max(over, 0.0) / max(abs(limit), 1e-300)
        return total

    def texts(self) -> list[str]:
        """``params <= 300 K``, one a bound."""
        return [
            f"{cost} {bound.relation} {cost_text(cost, limit)}"
            for cost in self.bounds
            for bound, limit in self.limits(cost)
        ]


@dataclass(frozen=True)
class Extreme:
    """The smallest or largest value of a cost that was seen, and of which architecture."""

    value: float
    text: str


@dataclass(frozen=True)
class Survey:
    """What a sample of a space says of constraints.

    ``sampled``: architectures drawn, of which ``meeting`` meet them all; ``walked``: looked at by walking from the nearest one
    where none does. ``smallest`` and ``largest``: by cost, among all that were looked at. ``witnesses``: some that meet them.
    """

    sampled: int
    meeting: int
    walked: int
    smallest: Mapping[str, Extreme]
    largest: Mapping[str, Extreme]
    witnesses: tuple[Architecture, ...]

    @property
    def share(self) -> float | None:
        """Of the sample; None where nothing could be drawn."""
        return self.meeting / self.sampled if self.sampled else None


def survey(space: Space, costs: Costs, constraints: Constraints, seed: int, sample: int, steps: int) -> Survey:
    """Look at a sample; where none of it meets the constraints, walk from the nearest one to ever nearer neighbours.

    Args:
        space: of the architectures.
        costs: says what each costs.
        constraints: to be met.
        seed: of the sample.
        sample: architectures drawn, live ones with distinct canonical ids.
        steps: architectures looked at on the walk, at most.
    """
    seen = {architecture: costs.of(architecture) for architecture in islice(drawn(space, seed), sample)}
    count = len(seen)
    found = [architecture for architecture, values in seen.items() if not constraints.excess(values)]
    meeting = len(found)
    if not found and seen:
        found = _walk(space, costs, constraints, seen, steps)
    smallest, largest = {}, {}
    for cost in constraints.bounds:
        low, high = (pick(seen, key=lambda one: seen[one][cost]) for pick in (min, max)) if seen else (None, None)
        if low is not None and high is not None:
            smallest[cost] = Extreme(seen[low][cost], space.format(low))
            largest[cost] = Extreme(seen[high][cost], space.format(high))
    return Survey(count, meeting, len(seen) - count, smallest, largest, tuple(found))


def _walk(
    space: Space,
    costs: Costs,
    constraints: Constraints,
    seen: dict[Architecture, Mapping[str, float]],
    steps: int,
) -> list[Architecture]:
    """Descend from the nearest of ``seen``, which takes in all that is looked at; one that meets the constraints, or none."""
    last = len(seen) + steps
    here = min(seen, key=lambda one: constraints.excess(seen[one]))
    while True:
        best = here
        for neighbour in space.neighbours(here):
            if neighbour not in seen:
                if len(seen) == last:
                    return []
                seen[neighbour] = costs.of(neighbour)
            if constraints.excess(seen[neighbour]) < constraints.excess(seen[best]) and not space.is_dead(neighbour):
                best = neighbour
                if not constraints.excess(seen[best]):
                    return [best]
        if best == here:
            return []
        here = best


def check_met(found: Survey, constraints: Constraints) -> None:
    """Raises ConstraintsUnmet where a survey found nothing that meets the constraints, naming the nearest values found."""
    if found.witnesses:
        return
    parts, remedies, looked = [], [], found.sampled + found.walked
    for cost in constraints.bounds:
        for bound, limit in constraints.limits(cost):
            which, extremes = ("smallest", found.smallest) if bound.relation == "<=" else ("largest", found.largest)
            if cost in extremes and not bound.holds(extremes[cost].value, limit):
                parts.append(
                    f"the {which} {cost} found is {cost_text(cost, extremes[cost].value)} ({extremes[cost].text})"
                )
                remedies.append(f"{cost} {looser(cost, bound.relation, extremes[cost].value)}")
    why = "; ".join(parts) or "each can be met alone, but none was found that meets them together"
    such_as = f", such as {', '.join(remedies)}" if remedies else ""
    raise ConstraintsUnmet(
        f"none of {looked:,} architectures meets {', '.join(constraints.texts())}: {why}; loosen the constraints{such_as}"
    )


def draw_feasible(
    space: Space,
    count: int,
    seed: int,
    feasible: Callable[[Architecture], bool],
    witnesses: Iterable[Architecture] = (),
) -> list[Architecture]:
    """Live architectures that meet the constraints, with distinct canonical ids, drawn uniformly.

    Where a space cannot be listed and so few meet them that a thousand draws in a row do not, the rest comes from random
    mutations of those found, which are not uniform.

    Args:
        space: to draw from.
        count: how many; fewer come where no more are found.
        seed: of the draw.
        feasible: says which meet the constraints.
        witnesses: some that do.
    """
    found: dict[str, Architecture] = {}
    refused = 0
    for architecture in drawn(space, seed):
        if len(found) == count:
            break
        if feasible(architecture):
            found[space.canonical(architecture)] = architecture
            refused = 0
        elif refused == _PATIENCE and not space.enumerable:
            break
        else:
            refused += 1
    if len(found) < count and not space.enumerable:
        found = _mutated(space, found, count, seed, feasible, witnesses)
    return list(found.values())


def _mutated(
    space: Space,
    found: dict[str, Architecture],
    count: int,
    seed: int,
    feasible: Callable[[Architecture], bool],
    witnesses: Iterable[Architecture],
) -> dict[str, Architecture]:
    rng = stream(seed, "feasible")
    found = found | {space.canonical(one): one for one in witnesses if space.canonical(one) not in found}
    refused = 0
    while found and len(found) < count and refused < _PATIENCE:
        parents = list(found.values())
        child = space.mutate(parents[rng.integers(len(parents))], rng)
        key = space.canonical(child)
        if key in found or space.is_dead(child) or not feasible(child):
            refused += 1
        else:
            found[key] = child
            refused = 0
    return dict(islice(found.items(), count))
