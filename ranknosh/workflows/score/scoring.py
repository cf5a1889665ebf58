"""The train-free scores of one network, wherever it is scored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ranknosh.config.score import ScoreSettings
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.workflows.score.records import NetworkScores

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.training.proxies import ProxyScorer


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
