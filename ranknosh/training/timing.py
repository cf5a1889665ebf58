"""What trainings will take: a few sampled networks are trained for a moment, with the code that trains candidates.

Nothing here is a constant of some machine. An epoch on all examples is taken to last as many times longer than the timed one
as it has more examples; networks that were not timed lie on the straight line through those that were, by multiply-accumulates.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ranknosh.config.sections import SeedingConfig
from ranknosh.core.records import Failed, Job, Observed
from ranknosh.core.seeding import draw
from ranknosh.errors import DataError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nets.cost import count_macs
from ranknosh.streams import torch_seed
from ranknosh.tasks.data import Data, Split
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.proxies import proxy_scorer
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe
from ranknosh.training.surroundings import resolve_device, surroundings

SAMPLED = 16
TARGET_SECONDS = 1.5


@dataclass(frozen=True)
class Timed:
    """One network: multiply-accumulates of an input, seconds of an epoch on all examples, seconds a job takes besides its
    epochs, bytes of its checkpoint, and seconds of its train-free scores."""

    macs: int
    epoch_seconds: float
    job_seconds: float
    checkpoint_bytes: int
    proxy_seconds: float


@dataclass(frozen=True)
class Timing:
    """What was measured, and ``seconds``: those of an epoch of every sampled network, rising.

    ``typical`` is their mean, ``large`` that of the larger half, which is where proxies and predictor send most of a search.
    """

    timed: tuple[Timed, ...]
    seconds: tuple[float, ...]

    @property
    def larger(self) -> tuple[float, ...]:
        return self.seconds[len(self.seconds) // 2 :]

    @property
    def typical(self) -> float:
        return float(np.mean(self.seconds))

    @property
    def large(self) -> float:
        return float(np.mean(self.larger))

    @property
    def largest(self) -> float:
        return self.seconds[-1]

    @property
    def job_seconds(self) -> float:
        return float(np.mean([one.job_seconds for one in self.timed]))

    @property
    def checkpoint_bytes(self) -> int:
        return max(one.checkpoint_bytes for one in self.timed)

    @property
    def proxy_seconds(self) -> float:
        return float(np.mean([one.proxy_seconds for one in self.timed]))


def measure(
    recipe: Recipe,
    seeding: SeedingConfig,
    seed: int,
    places: Sequence[float] = (0.0, 0.5, 1.0),
    say: Callable[[str], None] = lambda text: None,
) -> Timing:
    """Time some of ``SAMPLED`` networks of a space (all where it has fewer), chosen by their size.

    Args:
        recipe: the space that is drawn from, and what its networks are trained on.
        seeding: the proxies that score them.
        seed: of the draw, and of the scores.
        places: of the timed networks among the sampled ones, from 0 (the smallest) to 1 (the largest).
        say: hears what is timed.

    Raises:
        DataError: where a network cannot be trained.
    """
    drawn, signature = draw(recipe.space, SAMPLED, seed), recipe.signature
    with (
        surroundings(recipe.settings.threads, resolve_device(recipe.settings.device)),
        tempfile.TemporaryDirectory(prefix="ranknosh-timing-") as folder,
    ):
        macs = [count_macs(recipe.space.network(one, signature), signature.inputs, signature.dtype) for one in drawn]
        by_size = [drawn[index] for index in np.argsort(macs, kind="stable")]
        chosen = [by_size[round(place * (len(drawn) - 1))] for place in places]
        score = None
        if seeding.proxies:
            score = proxy_scorer(recipe.space, recipe.task, seeding.proxies, seed=seed, options=seeding.options)
            score(chosen[0])  # the first call pays for what later ones find ready
        timed = []
        for number, architecture in enumerate(chosen, 1):
            say(f"timing network {number} of {len(chosen)}")
            proxy_seconds = score(architecture)[1] if score else 0.0
            timed.append(time_training(architecture, recipe, Path(folder) / str(number), proxy_seconds))
    return Timing(tuple(timed), tuple(sorted(on_line(macs, [(one.macs, one.epoch_seconds) for one in timed]))))


def on_line(macs: Sequence[int], known: Sequence[tuple[int, float]]) -> list[float]:
    """Seconds of networks of these sizes, on the least-squares line through those that are known.

    The mean of these where size does not show in the times, which are then overhead; never below half the fastest.

    Args:
        macs: multiply-accumulates of an input.
        known: (multiply-accumulates, seconds) of what was timed, one or more.
    """
    sizes, seconds = np.array(known, dtype=float).T
    slope, base = np.polyfit(sizes, seconds, 1) if len(np.unique(sizes)) > 1 else (0.0, 0.0)
    if slope <= 0:
        return [float(seconds.mean())] * len(macs)
    return [float(value) for value in np.maximum(base + slope * np.array(macs), 0.5 * seconds.min())]


def time_training(architecture: Architecture, recipe: Recipe, folder: Path, proxy_seconds: float = 0.0) -> Timed:
    """Train one network on a part of the data that takes about ``TARGET_SECONDS``, found by a shorter first try.

    Args:
        architecture: of the network.
        recipe: what it is trained by.
        folder: for its checkpoints.
        proxy_seconds: of its train-free scores.

    Raises:
        DataError: where it cannot be trained.
    """
    share = min(1.0, 2 * recipe.settings.batch / len(recipe.data.train))
    first = _one_epoch(architecture, recipe, share, folder / "first")
    if share < 1:
        share = min(1.0, share * max(TARGET_SECONDS / max(first.curve[-1].seconds, 1e-3), 1.0))
    second = _one_epoch(architecture, recipe, share, folder / "second")
    epoch, scale = second.curve[-1].seconds, len(recipe.data.train) / len(part_of(recipe.data, share).train)
    beside = max(second.seconds - epoch, 0.0)
    return Timed(int(second.costs.get("macs", 0)), epoch * scale, beside, second.checkpoint_bytes, proxy_seconds)


def part_of(data: Data, share: float) -> Data:
    """The first ``share`` of training and validation examples; at least two of each, so that batch-norm has a variance."""

    def cut(split: Split) -> Split:
        count = max(2, round(share * len(split)))
        return split.first(count)

    return replace(data, train=cut(data.train), validation=cut(data.validation))


def _one_epoch(architecture: Architecture, recipe: Recipe, share: float, folder: Path) -> Observed:
    part = recipe.with_data(part_of(recipe.data, share))
    job = Job(0, architecture, 1, 0, 1, torch_seed(0, "plan"))
    outcome = train_rung(job, part, CheckpointStore(folder)).outcome
    if isinstance(outcome, Observed):
        return outcome
    assert isinstance(outcome, Failed)  # nobody interrupts it
    if outcome.kind == "diverged":
        raise DataError(f"a sampled network diverged in its first steps ({outcome.message}); lower train.lr")
    raise DataError(f"a sampled network could not be trained for a moment: {outcome.message}")
