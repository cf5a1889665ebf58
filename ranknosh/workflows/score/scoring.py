"""Many architectures scored on the executor, each network once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
        reasons = {name: score.reason for name, score in scores.items() if score.reason is not None}
        seconds = {name: round(score.seconds, 6) for name, score in scores.items()}
        key, text = self.space.canonical(architecture), self.space.format(architecture)
        return NetworkScores(key, text, scores.values_by_name, reasons, seconds)


def score_network(settings: ScoreSettings, space: Space, data: ImageData) -> ScoreNetwork:
    """The scorer that settings name, on the training images drawn by their seed.

    Args:
        settings: of the run.
        space: of the architectures.
        data: with the training images.
    """
    from ranknosh.training.proxies import proxy_scorer

    size, names, options = network_size(settings, data), settings.proxies, settings.options
    scorer = proxy_scorer(space, size, data, names, batch=settings.batch, seed=settings.seed, options=options)
    return ScoreNetwork(scorer, space, settings.device)


def network_size(settings: ScoreSettings, data: ImageData) -> NetworkSize:
    """The size of every network scored on these images."""
    return NetworkSize(settings.network.channels, settings.network.cells, len(data.classes), data.image_shape[0])


@contextmanager
def executor_for(session: RunSession, settings: ScoreSettings, data: ImageData) -> Iterator[tuple[Executor, str]]:
    """The executor that settings name, and the name of its device; Ctrl-C and other signals ask the session to stop.

    Args:
        session: of the run.
        settings: of the run.
        data: the images; the scorer has them already, so that workers are sent none.
    """
    import torch

    from ranknosh.data import Split
    from ranknosh.executors.opening import opened
    from ranknosh.training.checkpoint import CheckpointStore
    from ranknosh.training.settings import Task, TrainSettings
    from ranknosh.training.surroundings import surroundings

    none = Split(data.train.images[:0].clone(), data.train.labels[:0].clone())
    train = TrainSettings(total_epochs=1, device=settings.device, threads=THREADS)
    task = Task(replace(data, train=none, validation=none, test=none), network_size(settings, data), train)
    stop, kept = session.stop, CheckpointStore(NOTHING_KEPT)
    asked: dict[str, Any] = {"stop": lambda: stop.requested, "on_epoch": lambda job, point: None, "say": session.say}
    with (
        surroundings(THREADS, torch.device("cpu")),
        stop.on_signals(session.events, DOING),  # ray swallows a KeyboardInterrupt here and there while it starts
        opened(settings.executor, settings.device, task, kept, **asked) as (executor, device),
        stop.on_signals(session.events, DOING),  # and has taken SIGTERM for itself
    ):
        if stop.requested:
            raise KeyboardInterrupt
        yield executor, device
