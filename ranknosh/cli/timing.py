"""Timing a search before it is run: a few sampled networks trained for a moment, with the code the search itself uses.

Nothing here is a constant of some machine. An epoch on all images is taken to last as many times longer than the timed one
as it has more images; networks that were not timed lie on the straight line through those that were, by multiply-accumulates.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ranknosh.core.records import Failed, Job, Observed
from ranknosh.errors import DataError
from ranknosh.streams import torch_seed

if TYPE_CHECKING:
    from ranknosh.data import ImageData, Split
    from ranknosh.spaces.base import Architecture
    from ranknosh.training import Task
    from ranknosh.workflows.search.assembly import Parts

SAMPLED = 16
TIMED = 3
TARGET_SECONDS = 1.5


@dataclass(frozen=True)
class Timed:
    """One network: multiply-accumulates of an image, seconds of an epoch on all images, seconds a job takes besides its
    epochs, bytes of its checkpoint, and seconds of its train-free scores."""

    macs: int
    epoch_seconds: float
    job_seconds: float
    checkpoint_bytes: int
    proxy_seconds: float


@dataclass(frozen=True)
class Timing:
    """What was measured. ``typical`` and ``large`` are seconds of an epoch: of the mean sampled network and of the mean of the
    larger half, which is where seeding and predictor send most of a search; ``largest`` that of the largest one."""

    timed: tuple[Timed, ...]
    typical: float
    large: float
    largest: float

    @property
    def job_seconds(self) -> float:
        return float(np.mean([one.job_seconds for one in self.timed]))

    @property
    def checkpoint_bytes(self) -> int:
        return max(one.checkpoint_bytes for one in self.timed)

    @property
    def proxy_seconds(self) -> float:
        return float(np.mean([one.proxy_seconds for one in self.timed]))


def measure(parts: Parts, say: Callable[[str], None]) -> Timing:
    """Time ``TIMED`` networks out of ``SAMPLED``, the smallest, the middle and the largest. Raises DataError where one fails."""
    from ranknosh.core.seeding import draw
    from ranknosh.spaces.nets import build_candidate, count_macs
    from ranknosh.training.proxies import proxy_scorer
    from ranknosh.training.surroundings import resolve_device, surroundings

    config, task = parts.config, parts.task
    drawn = draw(parts.space, SAMPLED, config.seed)
    shape = task.data.image_shape
    with (
        surroundings(config.train.threads, resolve_device(config.train.device)),
        tempfile.TemporaryDirectory(prefix="ranknosh-plan-") as folder,
    ):
        macs = [count_macs(build_candidate(architecture, task.size), shape) for architecture in drawn]
        score = (
            proxy_scorer(parts.space, task.size, task.data, config.seeding.proxies, seed=config.seed)
            if config.seeding.proxies
            else None
        )
        timed = []
        for number, index in enumerate(spread_out(macs, TIMED)):
            say(f"timing network {number + 1} of {TIMED}")
            if score is not None and number == 0:
                score(drawn[index])  # the first call pays for what later ones find ready
            proxy_seconds = score(drawn[index])[1] if score else 0.0
            timed.append(time_training(drawn[index], task, Path(folder) / str(number), proxy_seconds))
    seconds = on_line(macs, timed)
    large = [second for _, second in sorted(zip(macs, seconds, strict=True))][len(macs) // 2 :]
    return Timing(tuple(timed), float(np.mean(seconds)), float(np.mean(large)), float(max(seconds)))


def spread_out(sizes: Sequence[int], count: int) -> list[int]:
    """Indices of ``count`` entries from the smallest to the largest, evenly by rank."""
    order = np.argsort(sizes, kind="stable")
    return [int(order[place]) for place in np.linspace(0, len(sizes) - 1, count).round().astype(int)]


def on_line(macs: Sequence[int], timed: Sequence[Timed]) -> list[float]:
    """Seconds of an epoch for networks of these sizes, from the least-squares line; never below half the fastest timed one."""
    known = np.array([one.macs for one in timed], dtype=float)
    seconds = np.array([one.epoch_seconds for one in timed])
    floor = 0.5 * float(seconds.min())
    slope, base = np.polyfit(known, seconds, 1) if np.ptp(known) else (0.0, 0.0)
    if slope <= 0:  # size does not show in the times: what was measured is the per-step overhead
        return [float(seconds.mean())] * len(macs)
    return [max(float(base + slope * size), floor) for size in macs]


def time_training(architecture: Architecture, task: Task, folder: Path, proxy_seconds: float = 0.0) -> Timed:
    """Train one network on a part of the images that takes about ``TARGET_SECONDS``, found by a shorter first try."""
    share = min(1.0, 2 * task.settings.batch / len(task.data.train))
    first = _one_epoch(architecture, task, share, folder / "first")
    if share < 1:
        share = min(1.0, share * max(TARGET_SECONDS / max(first.curve[-1].seconds, 1e-3), 1.0))
    second = _one_epoch(architecture, task, share, folder / "second")
    used = part_of(task.data, share)
    scale = len(task.data.train) / len(used.train)
    epoch = second.curve[-1].seconds
    return Timed(
        second.macs or 0, epoch * scale, max(second.seconds - epoch, 0.0), second.checkpoint_bytes, proxy_seconds
    )


def part_of(data: ImageData, share: float) -> ImageData:
    """The first ``share`` of training and validation images; at least two of each, so that batch-norm has a variance."""

    def cut(split: Split) -> Split:
        count = max(2, round(share * len(split)))
        return dataclasses.replace(split, images=split.images[:count], labels=split.labels[:count])

    return dataclasses.replace(data, train=cut(data.train), validation=cut(data.validation))


def _one_epoch(architecture: Architecture, task: Task, share: float, folder: Path) -> Observed:
    from ranknosh.training import CheckpointStore, train_rung

    part = dataclasses.replace(task, data=part_of(task.data, share))
    job = Job(0, architecture, 1, 0, 1, torch_seed(0, "plan"))
    began = time.perf_counter()
    outcome = train_rung(job, part, CheckpointStore(folder)).outcome
    if isinstance(outcome, Observed):
        return outcome
    if isinstance(outcome, Failed) and outcome.kind == "diverged":
        raise DataError(f"a sampled network diverged in its first steps ({outcome.message}); lower train.lr")
    detail = outcome.message if isinstance(outcome, Failed) else f"it stopped after {time.perf_counter() - began:.1f} s"
    raise DataError(f"a sampled network could not be trained for a moment: {detail}")
