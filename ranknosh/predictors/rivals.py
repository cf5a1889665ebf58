"""Published search methods that propose one architecture after another, as functions of what is known.

Each is a :data:`~ranknosh.predictors.own_proposer.Propose`: no state but the results, so that a resumed run goes on as it would
have. What they propose is trained fully, by the engine of every search.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ranknosh.predictors.own_proposer import Result
from ranknosh.spaces.base import Architecture, Space

POPULATION, SAMPLE = 20, 5
"""Of regularised evolution. The paper has 100 and 25, which the budgets of comparisons, tens of trainings, would leave random."""

PARENTS, MUTANTS = 10, 10
"""Of searches in which a predictor chooses among mutants."""


def regularized_evolution(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
    """A mutant of the best of ``SAMPLE`` drawn among the latest ``POPULATION``: the oldest dies, not the worst.

    Source: Real et al., AAAI 2019, algorithm 1. Deviations: a smaller population, and nothing is trained twice.
    """
    if len(results) < POPULATION:
        return space.sample(rng)
    alive = results[-POPULATION:]
    drawn = [alive[place] for place in rng.choice(len(alive), size=SAMPLE, replace=False)]
    return space.mutate(max(drawn, key=lambda result: result.metric).architecture, rng)


def local_search(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
    """A neighbour, not tried yet, of where the climb stands; a random architecture where all of them are tried.

    The climb moves to the first neighbour that is better, and begins anew at a random architecture where none is.
    Source: White et al., UAI 2021, in the form that moves at the first improvement; neighbours are taken in random order.
    """
    left = _untried(space, results)
    return left[int(rng.integers(len(left)))] if left else space.sample(rng)


def mutants(
    space: Space, parents: Sequence[Architecture], results: Sequence[Result], rng: np.random.Generator
) -> list[Architecture]:
    """Live mutants of ``parents`` that are not among ``results``, at most ``MUTANTS`` of each; each canonical id once.

    Args:
        space: of the architectures.
        parents: in the order of their mutants; one may be there several times.
        results: what is known already.
        rng: of the mutations.
    """
    known = {space.canonical(result.architecture) for result in results}
    found = dict[str, Architecture]()
    for child in (space.mutate(parent, rng) for parent in parents for _ in range(MUTANTS)):
        if (key := space.canonical(child)) not in known and not space.is_dead(child):
            found.setdefault(key, child)
    return list(found.values())


def _untried(space: Space, results: Sequence[Result]) -> list[Architecture]:
    """The neighbours that the climb has not tried where it stands after ``results``."""
    tried: set[str] = set()
    height, near = -np.inf, dict[str, Architecture]()
    for result in results:
        tried.add(space.canonical(result.architecture))
        if result.metric > height or not near:
            height, near = result.metric, _alive(space, result.architecture)
        near = {key: one for key, one in near.items() if key not in tried}
    return list(near.values())


def _alive(space: Space, architecture: Architecture) -> dict[str, Architecture]:
    return {space.canonical(one): one for one in space.neighbours(architecture) if not space.is_dead(one)}


PROPOSALS: Mapping[str, str] = {
    "regularized_evolution": f"{__name__}:regularized_evolution",
    "local_search": f"{__name__}:local_search",
    "bananas": "ranknosh.predictors.bananas:bananas",
    "npenas": "ranknosh.predictors.npenas:npenas",
    "optuna_tpe": "ranknosh.predictors.optuna_tpe:optuna_tpe",
}
"""By the names that ``compare`` and ``bench run`` know them by: ``module:name``, which is imported when it is asked for."""
