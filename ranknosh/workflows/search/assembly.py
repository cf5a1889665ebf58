"""From a config to the parts of a search: the one place that knows every layer below the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import NetworkConfig
from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Origin, Scored
from ranknosh.core.search import Search
from ranknosh.core.seeding import LevelZero, draw
from ranknosh.executors.base import Executor
from ranknosh.executors.opening import check
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.catalog import make_predictor
from ranknosh.predictors.combined import EnsemblePredictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.runs.events import Events, Progress
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.spaces.catalog import get_space
from ranknosh.training.settings import Task, TrainSettings

if TYPE_CHECKING:
    from ranknosh.data import ImageData


@dataclass(frozen=True)
class Parts:
    """What a search on real images is made of; ``task`` holds data, network size and training settings."""

    config: SearchSettings
    space: Space
    pyramid: Pyramid
    limits: Limits
    task: Task


def pyramid_of(config: SearchSettings) -> Pyramid:
    section = config.pyramid
    return Pyramid.make(section.epochs, section.ratio, section.initial, section.batch)


def limits_of(config: SearchSettings) -> Limits:
    budget = config.budget
    return Limits(budget.epochs, budget.time, budget.device_time, budget.disk)


def rules_of(config: SearchSettings) -> Rules:
    section = config.pyramid
    return Rules(
        section.schedule, section.overlap, section.candidates, section.promote, section.closing, section.finalists
    )


def build_parts(config: SearchSettings, data: ImageData | None = None) -> Parts:
    """Load what the config names, ``data`` in place of ``config.data``. Raises the errors of each part.

    What needs no images is checked first, so that a wrong predictor or device costs no waiting.
    """
    from ranknosh.data.catalog import load_section
    from ranknosh.training.proxies import check_options

    pyramid = pyramid_of(config)
    predictor_of(config)
    check_options(config.seeding.options, config.seeding.proxies)
    check(config.executor, config.train.device)
    images = data or load_section(config.data, config.seed)
    task = Task(images, size_of(config.network, images.facts), settings_of(config))
    return Parts(config, get_space(config.space.name), pyramid, limits_of(config), task)


def size_of(network: NetworkConfig, images: Mapping[str, Any]) -> NetworkSize:
    """The networks of a run on images with these facts (see ``ranknosh.data.ImageData.facts``)."""
    return NetworkSize(network.channels, network.cells, len(images["classes"]), images["image_shape"][0])


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

    section, space = parts.config.seeding, parts.space
    if not section.proxies or pool.count >= parts.pyramid.initial:
        return
    known = {scored.key for scored in pool.scored}
    drawn = draw(space, section.draw, parts.config.seed)
    missing = [architecture for architecture in drawn if space.canonical(architecture) not in known]
    size, seed = parts.task.size, parts.config.seed
    score = proxy_scorer(space, size, parts.task.data, section.proxies, seed=seed, options=section.options)
    for number, (index, (values, seconds)) in enumerate(executor.map(score, missing), len(drawn) - len(missing) + 1):
        architecture = missing[index]
        yield Scored(architecture, space.canonical(architecture), space.format(architecture), values, seconds)
        events(Progress("proxy scoring", number, len(drawn)))


def predictor_of(config: SearchSettings) -> Predictor:
    """The predictor that the config names. Raises ConfigError for options that it does not have."""
    section = config.predictor
    return make_predictor(section.name, ensemble=section.ensemble, **section.options)


def make_search(
    config: SearchSettings,
    pool: Pool,
    executor: Executor | None = None,
    checkpoint_bytes: Callable[[Architecture], int] | None = None,
) -> Search:
    """The engine of a search: the proxies' picks and random candidates first, the predictor's choices after them.

    Args:
        config: of the search.
        pool: its state, scored by proxies.
        executor: where the members of an ensemble are fitted side by side; None for this process.
        checkpoint_bytes: what the checkpoint of an architecture takes, for a limit of disk.
    """
    from ranknosh.training.proxies import directions, proxy_weights

    section, seed, pyramid, space = config.seeding, config.seed, pyramid_of(config), get_space(config.space.name)
    scored_by = directions(section.proxies)
    picks: Sequence[tuple[Architecture, Origin, float | None]]
    level_zero = None
    if pool.scored:
        level_zero = LevelZero(pool.scored, scored_by, proxy_weights, combine=section.combine, seed=seed)
        picks = level_zero.choose(pyramid.initial, section.random_share)
    else:
        picks = [(architecture, "random", None) for architecture in draw(space, pyramid.initial, seed)]
    predictor = predictor_of(config)
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
    )
    limits, rules = limits_of(config), rules_of(config)
    return Search(pyramid, limits, proposer, rules, seed=seed, pool=pool, checkpoint_bytes=checkpoint_bytes)
