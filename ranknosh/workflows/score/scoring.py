"""Many architectures scored on the executor, each network once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ranknosh.config.score import ScoreSettings
from ranknosh.executors.base import Executor
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.workflows.score.records import NetworkScores

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.training.proxies import ProxyScorer

THREADS = 1
"""Of each network: sums depend on it in the last bit, so that scores are the same on every machine."""
NOTHING_KEPT = "memory://ranknosh-scores"
"""A place for the checkpoints that executors are made with; scoring writes none."""
DOING = "the networks that are being scored"


@dataclass(frozen=True)
class ScoreNetwork:
    """Scores one network under some proxies; a function of its item alone that pickles.

    ``device`` is looked up where it runs.
    """

    scorer: ProxyScorer
    space: Space
    device: str

    @cached_property
    def _placed(self) -> ProxyScorer:
        from ranknosh.training.surroundings import resolve_device

        return self.scorer.to(resolve_device(self.device))

    def __call__(self, item: tuple[Architecture, tuple[str, ...]]) -> NetworkScores:
        architecture, proxies = item
        scores = self._placed.scores(architecture, proxies)
        return NetworkScores(
            self.space.canonical(architecture),
            self.space.format(architecture),
            scores.values_by_name,
            {name: score.reason for name, score in scores.items() if score.reason is not None},
            {name: round(score.seconds, 6) for name, score in scores.items()},
        )


def score_network(settings: ScoreSettings, space: Space, data: ImageData) -> ScoreNetwork:
    """The scorer that settings name, on the training images drawn by their seed."""
    from ranknosh.training.proxies import proxy_scorer

    scorer = proxy_scorer(
        space,
        network_size(settings, data),
        data,
        settings.proxies,
        batch=settings.batch,
        seed=settings.seed,
        options=settings.options,
    )
    return ScoreNetwork(scorer, space, settings.device)


def network_size(settings: ScoreSettings, data: ImageData) -> NetworkSize:
    """The size of every network scored on these images."""
    return NetworkSize(settings.network.channels, settings.network.cells, len(data.classes), data.image_shape[0])


def scored(
    executor: Executor, score: ScoreNetwork, missing: Sequence[tuple[str, tuple[str, ...]]]
) -> Iterator[NetworkScores]:
    """The scores of ``missing`` (exchange strings with their proxies), in the order they are done."""
    from ranknosh.executors.inline import WithThreads

    items = [(score.space.parse(text), proxies) for text, proxies in missing]
    for _, found in executor.map(WithThreads(score, THREADS), items):
        yield found


@contextmanager
def executor_for(session: RunSession, settings: ScoreSettings, data: ImageData) -> Iterator[tuple[Executor, str]]:
    """The executor that settings name, and the name of its device; Ctrl-C and other signals ask the session to stop."""
    import torch

    from ranknosh.executors.opening import opened
    from ranknosh.training import CheckpointStore, Task, TrainSettings
    from ranknosh.training.surroundings import surroundings

    train = TrainSettings(total_epochs=1, device=settings.device, threads=THREADS)
    task = Task(_without_images(data), network_size(settings, data), train)
    stop = session.stop
    with (
        surroundings(THREADS, torch.device("cpu")),
        stop.on_signals(session.events, DOING),  # ray swallows a KeyboardInterrupt here and there while it starts
        opened(
            settings.executor,
            settings.device,
            task,
            CheckpointStore(NOTHING_KEPT),
            stop=lambda: stop.requested,
            on_epoch=lambda job, point: None,
            say=session.say,
        ) as (executor, device),
        stop.on_signals(session.events, DOING),  # and has taken SIGTERM for itself
    ):
        if stop.requested:
            raise KeyboardInterrupt
        yield executor, device


def _without_images(data: ImageData) -> ImageData:
    """What a task must hold; the scorer has its images already, and workers on other machines need no others."""
    from ranknosh.data import Split

    none = Split(data.train.images[:0].clone(), data.train.labels[:0].clone())
    return replace(data, train=none, validation=none, test=none)
