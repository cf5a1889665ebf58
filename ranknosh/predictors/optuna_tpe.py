"""Optuna's TPE as a rival: the sampler's own code, asked for one architecture after another."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ranknosh.errors import MissingDependency
from ranknosh.predictors.own_proposer import Result
from ranknosh.spaces.base import Architecture, Space

try:
    import optuna
    from optuna.distributions import CategoricalDistribution, IntDistribution
except ImportError as error:
    raise MissingDependency("optuna", "Optuna as a rival", "bench") from error

_ATTEMPTS = 50


def optuna_tpe(space: Space, results: Sequence[Result], rng: np.random.Generator) -> Architecture:
    """What Optuna's TPESampler, with its defaults, suggests after these results as finished trials.

    Source: Bergstra et al., NeurIPS 2011, as Optuna has it. Deviations: the sampler is made anew for every architecture, with a
    seed of ``rng``, so that it has no state; options that are no architecture together are asked for again.
    """
    parameters = Parameters(space)
    told = [parameters.finished(result.architecture, result.metric) for result in results]
    for _ in range(_ATTEMPTS):
        study = study_of(optuna.samplers.TPESampler(seed=seed_of(rng)))
        study.add_trials(told)
        options = parameters.suggested(study.ask())
        if space.is_valid(options):
            return space.of(options)
    return space.sample(rng)


class Parameters:
    """A space as Optuna's distributions: of whole numbers where the options of a choice are in order, else categorical.

    A choice is a parameter named by its number, of the places of its options; one that is not reached is not suggested.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.distributions = tuple(
            IntDistribution(0, count - 1) if ordered else CategoricalDistribution(range(count))
            for count, ordered in zip(space.edits, space.ordered, strict=True)
        )

    def suggested(self, trial: optuna.Trial) -> tuple[int, ...]:
        """The options that a trial suggests, 0 where a choice is not reached; it is asked choice by choice."""
        options = [0] * len(self.distributions)
        for number, distribution in enumerate(self.distributions):
            if not self.space.reached(options)[number]:
                continue
            if isinstance(distribution, IntDistribution):
                options[number] = trial.suggest_int(str(number), distribution.low, distribution.high)
            else:
                place = trial.suggest_categorical(str(number), distribution.choices)
                assert isinstance(place, int)
                options[number] = place
        return tuple(options)

    def finished(self, architecture: Architecture, metric: float) -> optuna.trial.FrozenTrial:
        """A trial that ended with ``metric``, higher is better."""
        options = self.space.chosen(architecture)
        known = [number for number, reached in enumerate(self.space.reached(options)) if reached]
        return optuna.trial.create_trial(
            params={str(number): options[number] for number in known},
            distributions={str(number): self.distributions[number] for number in known},
            value=metric,
        )


def seed_of(rng: np.random.Generator) -> int:
    """A seed for a sampler of Optuna, which takes 32 bits."""
    return int(rng.integers(2**32))


def study_of(
    sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner | None = None, seed: int = 0
) -> optuna.Study:
    """A study in memory that looks for the highest value, begun without a word.

    Args:
        sampler: proposes.
        pruner: stops trials; None for none that is asked.
        seed: is in the study's name, out of which some pruners draw.
    """
    with _quiet():
        return optuna.create_study(study_name=f"ranknosh {seed}", sampler=sampler, pruner=pruner, direction="maximize")


@contextmanager
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
