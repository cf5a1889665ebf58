"""A search method of the user's own as one function: from what is known to the next architecture."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ranknosh.config.units import plural
from ranknosh.core.candidates import Candidate
from ranknosh.core.constraints import Costs
from ranknosh.core.pool import Pool
from ranknosh.core.records import Origin, Proposed
from ranknosh.core.schedules import Proposal
from ranknosh.errors import FOREIGN, ConfigError, OwnCodeError, SpaceError, first_line
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream

ARGUMENTS = ("space", "results", "rng")
_ATTEMPTS = 50
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Result:
    """What a candidate has shown so far: ``metric`` at the highest ``level`` it completed, from 1; higher is better. ``earlier``
    are its metrics at the levels below, from level 1 on."""

    architecture: Architecture
    metric: float
    level: int
    earlier: tuple[float, ...] = ()


Propose = Callable[[Space, Sequence[Result], np.random.Generator], Architecture]
"""The next architecture, from the results so far in the order of the candidates (none at first). A function of its arguments
alone, so that a resumed run goes on as it would have; it may be asked again where what it gave cannot learn or is known."""


def checked_function(found: Any, name: str, space: Space) -> Propose:
    """``found`` if it is a proposal function, which is tried without results.

    Args:
        found: what ``name`` stands for.
        name: for messages.
        space: of the architectures.

    Raises:
        ConfigError: it is no function of space, results and rng, raises, or gives no architecture of the space.
    """
    if not takes_results(found):
        raise ConfigError(
            f"{name} is no proposal function; write one that takes ({', '.join(ARGUMENTS)}) and returns an architecture"
        )
    propose: Propose = found
    _asked(propose, name, space, (), stream(0, "try own proposals"))
    return propose


def takes_results(found: Any) -> bool:
    """Whether it can be called with space, results and rng; a function of epochs makes a method of a supernet instead."""
    if not callable(found) or inspect.isclass(found):
        return False
    try:
        signature = inspect.signature(found)
        signature.bind(*ARGUMENTS)
    except (TypeError, ValueError):
        return False
    return "epochs" not in signature.parameters


def _asked(
    propose: Propose, name: str, space: Space, results: Sequence[Result], rng: np.random.Generator
) -> Architecture:
    """What the function gives, an architecture of the space. Raises OwnCodeError for anything else, and a ConfigError of the
    function's as it is."""
    try:
        given = propose(space, results, rng)
    except FOREIGN as error:
        if type(error) is ConfigError:  # in its own words
            raise
        raise OwnCodeError(
            f"the method {name} raised with {plural(len(results), 'result')}: {first_line(error, named=True)}; correct it"
        ) from error
    if not isinstance(given, Architecture):
        raise OwnCodeError(
            f"the method {name} gave {type(given).__name__}, no architecture of {space.title}; correct it"
        )
    try:
        space.chosen(given)
    except SpaceError as error:
        raise OwnCodeError(f"the method {name} gave no architecture of {space.title}: {error}; correct it") from error
    return given


def _result(candidate: Candidate) -> Result:
    *earlier, metric = (candidate.by_level[level] for level in range(1, candidate.level + 1))
    return Result(candidate.architecture, metric, candidate.level, tuple(earlier))


@dataclass(eq=False)
class OwnProposer:
    """Candidates are what a function of the user's own proposes.

    It is asked again, up to 50 times, where an architecture is dead, a candidate already, or breaks a constraint; then one is
    drawn at random.

    Args:
        space: of the architectures.
        function: see :data:`Propose`.
        name: that it was asked for by.
        seed: of every draw.
        seeds: (architecture, origin, score) of the first candidates, in place of the function's.
        costs: what architectures cost, and which may be trained; None where nothing is asked of costs.
        stands_in: what is trained in place of what the function gives; None for itself.
    """

    space: Space
    function: Propose
    name: str
    seed: int
    seeds: Sequence[tuple[Architecture, Origin, float | None]] = ()
    costs: Costs | None = None
    stands_in: Callable[[Architecture], Architecture] | None = None

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        """The next candidates; see :class:`~ranknosh.core.schedules.Proposer`."""
        known = [c for c in pool.candidates.values() if c.level > 0 and c.failed is None]
        results = tuple(_result(candidate) for candidate in known)
        taken = set(pool.keys)
        records: list[Proposed] = []
        for number in ids:
            picked = self._pick(number, results, taken)
            if picked is None:
                break
            architecture, origin, score = picked
            key, text = self.space.canonical(architecture), self.space.format(architecture)
            taken.add(key)
            costs = {} if self.costs is None else dict(self.costs.of(architecture))
            records.append(Proposed(number, architecture, key, text, batch, origin, score, costs=costs))
        return Proposal(tuple(records), costed=() if self.costs is None else self.costs.take())

    def _pick(
        self, number: int, results: Sequence[Result], taken: set[str]
    ) -> tuple[Architecture, Origin, float | None] | None:
        """One candidate, or None where the space has no more."""
        if number < len(self.seeds) and self._is_open(self.seeds[number][0], taken):
            return self.seeds[number]
        rng = stream(self.seed, "own proposal", number)
        for _ in range(_ATTEMPTS):
            given = _asked(self.function, self.name, self.space, results, rng)
            given = given if self.stands_in is None else self.stands_in(given)
            if self._is_open(given, taken):
                return given, "user", None
        drawn = islice(self.space.shuffled(rng), None if self.space.enumerable else _DRAWS)
        return next(((one, "random", None) for one in drawn if self._is_open(one, taken)), None)

    def _is_open(self, architecture: Architecture, taken: set[str]) -> bool:
        alive = self.space.canonical(architecture) not in taken and not self.space.is_dead(architecture)
        return alive and (self.costs is None or self.costs.feasible(architecture))
