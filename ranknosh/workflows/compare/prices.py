"""What a training will take, from those that were timed: on the line through (multiply-accumulates, seconds)."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_duration
from ranknosh.core.records import Failed, Job, Observed
from ranknosh.core.seeding import draw
from ranknosh.data import ImageData, Split
from ranknosh.errors import BudgetTooSmall, DataError
from ranknosh.spaces.base import Architecture
from ranknosh.streams import torch_seed
from ranknosh.workflows.compare.problem import Problem

SAMPLED = 9
TIMED_BATCHES = 8
FEWEST_ON_A_LINE = 3


@dataclass(frozen=True)
class Prices:
    """Seconds of an epoch of the sampled network of middle size, and of its train-free scores."""

    epoch_seconds: float
    proxy_seconds: float


def expected_seconds(macs: int, known: Sequence[tuple[int, float]]) -> float:
    """Seconds of a training of a network of ``macs``, from (macs, seconds) of finished trainings of the same length.

    The mean while fewer than three sizes are known or size does not show in the times; never below half the fastest. 0 where
    nothing is known.
    """
    if not known:
        return 0.0
    sizes, seconds = np.array([m for m, _ in known], dtype=float), np.array([s for _, s in known])
    slope = 0.0
    if len(np.unique(sizes)) >= FEWEST_ON_A_LINE:
        slope, base = np.polyfit(sizes, seconds, 1)
    return max(float(base + slope * macs), 0.5 * float(seconds.min())) if slope > 0 else float(seconds.mean())


def measure(problem: Problem, config: SearchSettings) -> Prices:
    """Time a few steps of a network of middle size, and its scores. Raises DataError where it cannot be trained."""
    from ranknosh.spaces.nets import build_candidate, count_macs
    from ranknosh.training.proxies import proxy_scorer
    from ranknosh.training.surroundings import resolve_device, surroundings

    drawn = draw(problem.space, SAMPLED, config.seed)
    with (
        surroundings(problem.train.threads, resolve_device(problem.train.device)),
        tempfile.TemporaryDirectory(prefix="ranknosh-compare-") as folder,
    ):
        macs = [count_macs(build_candidate(one, problem.size), problem.data.image_shape) for one in drawn]
        middle = drawn[int(np.argsort(macs, kind="stable")[len(macs) // 2])]
        _share_of_an_epoch(problem, middle, 2, Path(folder) / "first")  # pays for what later ones find ready
        epoch = _share_of_an_epoch(problem, middle, TIMED_BATCHES, Path(folder) / "second")
        proxies = 0.0
        if config.seeding.proxies:
            score = proxy_scorer(
                problem.space,
                problem.size,
                problem.data,
                config.seeding.proxies,
                seed=config.seed,
                options=config.seeding.options,
            )
            score(middle)
            proxies = score(middle)[1]
    return Prices(epoch, proxies)


def check_budget(prices: Prices, config: SearchSettings, names: Sequence[str], seconds: float) -> None:
    """Raises BudgetTooSmall where ``seconds`` hold no full training, or not level 0 and a first training after it."""
    epochs = config.pyramid.epochs
    full = epochs[-1] * prices.epoch_seconds
    if seconds < full:
        raise BudgetTooSmall(
            f"--budget is {human_duration(seconds)}, but one training of {epochs[-1]} epochs, the top level, takes about "
            f"{human_duration(full)} here; give several times that, for example --budget {_round_up(10 * full)}"
        )
    level_zero = config.seeding.draw * prices.proxy_seconds
    if "ranknosh" in names and seconds < level_zero + epochs[0] * prices.epoch_seconds:
        raise BudgetTooSmall(
            f"--budget is {human_duration(seconds)}, but the train-free scores of {config.seeding.draw} architectures alone "
            f"take about {human_duration(level_zero)} here; raise --budget or lower seeding.draw"
        )


def _round_up(seconds: float) -> str:
    return f"{int(seconds // 60) + 1}m" if seconds > 60 else f"{int(seconds) + 1}s"


def _share_of_an_epoch(problem: Problem, architecture: Architecture, batches: int, folder: Path) -> float:
    """Seconds of a whole epoch, taken from one over ``batches`` batches of training images and as many of validation."""
    from ranknosh.training import CheckpointStore, Task, train_rung

    count = min(batches * problem.train.batch, len(problem.data.train))
    settings = problem.train.model_copy(update={"warmup_epochs": 0.0})
    task = Task(_first(problem.data, count / len(problem.data.train)), problem.size, settings)
    job = Job(0, architecture, 1, 0, 1, torch_seed(0, "prices"))
    outcome = train_rung(job, task, CheckpointStore(folder)).outcome
    if isinstance(outcome, Observed):
        return outcome.curve[-1].seconds * len(problem.data.train) / count
    why = outcome.message if isinstance(outcome, Failed) else "it was interrupted"
    raise DataError(f"a sampled network could not be trained for a moment: {why}")


def _first(data: ImageData, share: float) -> ImageData:
    def cut(split: Split) -> Split:
        count = max(2, round(share * len(split)))
        return Split(split.images[:count], split.labels[:count])

    return dataclasses.replace(data, train=cut(data.train), validation=cut(data.validation))
