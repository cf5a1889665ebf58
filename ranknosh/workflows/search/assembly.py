"""From a config to the parts of a search: the one place that knows every layer below the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import SearchSettings
from ranknosh.core.brackets import Brackets
from ranknosh.core.budget import Limits
from ranknosh.core.constraints import Survey, check_met, draw_feasible, survey
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Origin, Scored
from ranknosh.core.search import Search
from ranknosh.core.seeding import LevelZero, draw
from ranknosh.errors import ConfigError
from ranknosh.executors.base import Executor
from ranknosh.executors.opening import check
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.catalog import PREDICTORS
from ranknosh.predictors.combined import EnsemblePredictor
from ranknosh.predictors.making import make_predictor, several
from ranknosh.predictors.own import try_predictor
from ranknosh.predictors.own_proposer import OwnProposer, Propose, checked_function
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.registry import load
from ranknosh.runs.events import Events, Progress
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import SPACES
from ranknosh.spaces.trial import check_networks
from ranknosh.training.cost_sources import Networks
from ranknosh.training.costs import CostBook, cost_book
from ranknosh.training.settings import Recipe, TrainSettings

if TYPE_CHECKING:
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


FAST, SLOW = (128, 400), (16, 40)
"""Architectures that are drawn, and steps of a walk, to see whether constraints can be met: where costs are counted or read
from a table, and where they are measured."""


@dataclass(frozen=True)
class Parts:
    """What a search by real trainings is made of; ``recipe`` holds space, task and training settings. ``costs`` are None where
    nothing is asked of them."""

    config: SearchSettings
    recipe: Recipe
    costs: CostBook | None


def pyramid_of(config: SearchSettings) -> Pyramid:
    section = config.pyramid
    if section.schedule == "hyperband":
        return Brackets.of(section.epochs)
    return Pyramid.make(section.epochs, section.ratio, section.initial, section.batch, section.closing)


def limits_of(config: SearchSettings) -> Limits:
    budget = config.budget
    return Limits(budget.epochs, budget.time, budget.device_time, budget.disk)


def rules_of(config: SearchSettings) -> Rules:
    section = config.pyramid
    return Rules(
        section.schedule,
        section.overlap,
        section.candidates,
        section.promote,
        section.signal,
        section.closing,
        section.finalists,
    )


def build_parts(config: SearchSettings, data: Data | Task | None = None, predictor: Predictor | None = None) -> Parts:
    """Load and check what the config names. What needs no data is checked first, so that a wrong predictor or device costs no
    waiting; a network is tried on a few examples.

    Args:
        config: of the search.
        data: data, or a task with its data, in place of those of the config.
        predictor: in place of that of the config, which is left out then.

    Raises:
        RankNoshError: what the parts raise.
    """
    from ranknosh.tasks.catalog import load_task
    from ranknosh.training.proxies import check_options, proxy_scorer, try_own
    from ranknosh.training.trial import try_recipe
    from ranknosh.workflows.search.stock import check_baseline

    space = config.space.make()
    if predictor is not None:
        try_predictor(predictor, space)
    elif config.propose.function is None:
        predictor_of(config, space)
    proposal_function(config, space)
    check_options(config.seeding.options, config.seeding.proxies)
    check(config.executor, config.train.device)
    recipe = Recipe(space, load_task(config.data, config.task, config.seed, data), settings_of(config))
    check_objectives(config, recipe.ranked)
    check_networks(space, recipe.signature, every_choice=config.space.name not in SPACES.builtins)
    try_recipe(recipe)
    check_baseline(config, recipe)
    if config.seeding.proxies:
        options = config.seeding.options
        try_own(proxy_scorer(space, recipe.task, config.seeding.proxies, seed=0, options=options))
    networks = Networks(partial(space.network, signature=recipe.signature), recipe.signature)
    return Parts(config, recipe, costs_of(config, space, networks))


def check_objectives(config: SearchSettings, ranked: str) -> None:
    """Raises ConfigError where the metric among the objectives is not the one that ranks."""
    name = config.metric_objective
    if config.objectives and name != ranked:
        raise ConfigError(
            f"objectives name the metric {name}, and candidates are ranked by {ranked}; set train.metric={name} (or "
            f"executor.rank_by of a training of your own), or write {ranked}"
        )


def costs_of(config: SearchSettings, space: Space, networks: Networks | None = None) -> CostBook | None:
    """The costs that a search knows before training; None where nothing is asked of them.

    Args:
        config: of the search.
        space: of the architectures.
        networks: how they are built; None where a training of a user's own does that.
    """
    return cost_book(space, networks, config.constraints, config.costs, config.cost_objectives)


def surveyed(space: Space, costs: CostBook | None, seed: int) -> Survey | None:
    """What a sample says of the constraints; None where there are none. Raises ConstraintsUnmet where none can be met."""
    if costs is None or not costs.bounds:
        return None
    slow = any(costs.sources[name].kept for name in costs.bounds)
    found = survey(space, costs, costs.constraints, seed, *(SLOW if slow else FAST))
    check_met(found, costs.constraints)
    return found


def drawn_for(space: Space, count: int, seed: int, costs: CostBook | None) -> list[Architecture]:
    """The first ``count`` architectures that a search may train, in the order of its seed."""
    found = surveyed(space, costs, seed)
    if found is None or costs is None:
        return draw(space, count, seed)
    return draw_feasible(space, count, seed, costs.feasible, found.witnesses)


def settings_of(config: SearchSettings) -> TrainSettings:
    """How every candidate of a search is trained."""
    return TrainSettings(total_epochs=config.pyramid.epochs[-1], **config.train.model_dump())


def proxy_scores(parts: Parts, pool: Pool, executor: Executor, events: Events) -> Iterator[Scored]:
    """Scores the architectures that the pool holds no scores of yet, on the workers.

    Args:
        parts: of the search.
        pool: its state.
        executor: where networks are scored.
        events: hears how many are scored.
    """
    from ranknosh.training.proxies import proxy_scorer

    section, space, seed = parts.config.seeding, parts.recipe.space, parts.config.seed
    if not section.proxies or pool.count >= parts.config.pyramid.initial:
        return
    known = {scored.key for scored in pool.scored}
    drawn = drawn_for(space, section.draw, seed, parts.costs)
    missing = [architecture for architecture in drawn if space.canonical(architecture) not in known]
    score = proxy_scorer(space, parts.recipe.task, section.proxies, seed=seed, options=section.options)
    for number, (index, (values, seconds)) in enumerate(executor.map(score, missing), len(drawn) - len(missing) + 1):
        architecture = missing[index]
        yield Scored(architecture, space.canonical(architecture), space.format(architecture), values, seconds)
        events(Progress("proxy scoring", number, len(drawn)))


def proposal_function(config: SearchSettings, space: Space) -> Propose | None:
    """The user's own function that proposes candidates, tried; None where the predictor does. Raises ConfigError."""
    name = config.propose.function
    return None if name is None else checked_function(load(name, "proposal function"), name, space)


def predictor_of(config: SearchSettings, space: Space) -> Predictor:
    """The predictor that the config names; one of the user's own is tried. Raises ConfigError for options it does not have."""
    section = config.predictor
    if section.name == FROM_PYTHON:
        raise ConfigError(
            "this run's predictor was given from Python, so the command line cannot make it; continue it from Python with "
            "Run.resume(predictor=...)"
        )
    named = [section.name]
    for key in {"of", "among"} & section.options.keys():
        named += several(section.options, key)
    if all(name in PREDICTORS.builtins for name in named):
        return make_predictor(section.name, ensemble=section.ensemble, **section.options)
    try_predictor(make_predictor(section.name, ensemble=section.ensemble, **section.options), space)
    return make_predictor(section.name, ensemble=section.ensemble, **section.options)


def make_search(
    config: SearchSettings,
    pool: Pool,
    executor: Executor | None = None,
    checkpoint_bytes: Callable[[Architecture], int] | None = None,
    predictor: Predictor | None = None,
    costs: CostBook | None = None,
    space: Space | None = None,
    stands_in: Callable[[Architecture], Architecture] | None = None,
) -> Search:
    """The engine of a search: the proxies' picks and random candidates first, the predictor's choices after them.

    Args:
        config: of the search.
        pool: its state, scored by proxies.
        executor: where the members of an ensemble are fitted side by side; None for this process.
        checkpoint_bytes: what the checkpoint of an architecture takes, for a limit of disk.
        predictor: an object in place of what the config names.
        costs: what architectures cost, and which may be trained; None where nothing is asked of costs.
        space: that of the config where only some of its architectures can be trained.
        stands_in: see :class:`~ranknosh.predictors.own_proposer.OwnProposer`.
    """
    section, seed, pyramid, space = config.seeding, config.seed, pyramid_of(config), space or config.space.make()
    picks: Sequence[tuple[Architecture, Origin, float | None]]
    level_zero = None
    if pool.scored:
        from ranknosh.training.proxies import directions, proxy_weights

        scored_by = directions(section.proxies)
        level_zero = LevelZero(pool.scored, scored_by, proxy_weights, combine=section.combine, seed=seed)
        picks = level_zero.choose(pyramid.initial, section.random_share)
    else:
        picks = [(architecture, "random", None) for architecture in drawn_for(space, pyramid.initial, seed, costs)]
    limits, rules = limits_of(config), rules_of(config)
    function = proposal_function(config, space)
    if function is not None:
        firsts, name = picks if pool.scored else (), config.propose.function or ""
        own = OwnProposer(space, function, name, seed, firsts, costs, stands_in)
        return Search(pyramid, limits, own, rules, seed=seed, pool=pool, checkpoint_bytes=checkpoint_bytes)
    predictor = predictor_of(config, space) if predictor is None else predictor
    if executor is not None and isinstance(predictor, EnsemblePredictor):
        predictor.fit_each = executor.map
    proposer = PredictorProposer(
        space,
        predictor,
        pyramid,
        seeds=picks,
        rule=config.predictor.pairs,
        near_tie=config.predictor.near_tie,
        exploration=config.propose.exploration,
        acquisition=config.propose.acquisition,
        seed=seed,
        level_zero=level_zero,
        follow=section.follow,
        costs=costs,
        objectives=pool.objectives,
    )
    return Search(pyramid, limits, proposer, rules, seed=seed, pool=pool, checkpoint_bytes=checkpoint_bytes)
