"""Small real networks, images and jobs for the tests of training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.core.records import Failed, Interrupted, Job, JobResult, Observed
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.data import Data, Split
from ranknosh.tasks.data.base import assemble
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe, TrainSettings

CELL = Architecture("nasbench201", (3, 1, 2, 4, 3, 0))


def quadrants(train: int = 70, validation: int = 40, test: int = 30, seed: int = 0) -> Data:
    """Noise images of 1x8x8 with one bright quadrant, which is the class (0..3)."""
    generator = torch.Generator().manual_seed(seed)

    def part(count: int) -> Split:
        labels = torch.arange(count) % 4
        images = torch.randint(0, 120, (count, 1, 8, 8), generator=generator)
        for image, label in zip(images, labels.tolist(), strict=True):
            row, column = 4 * (label // 2), 4 * (label % 2)
            image[:, row : row + 4, column : column + 4] += 100
        return Split(images.to(torch.uint8), labels)

    return assemble("quadrants", [part(train), part(validation), part(test)], ["a", "b", "c", "d"])


class Plain(nn.Module):
    """No batch norm: what a batch gives is the sum of what its images give."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1)
        self.classifier = nn.Linear(6 * 16, classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = nn.functional.avg_pool2d(torch.tanh(self.conv(images)), 2)
        return self.classifier(maps.flatten(1))


class Normed(nn.Module):
    """Batch norm, dropout and a module that is never run."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(6)
        self.unused = nn.Conv2d(6, 6, 1)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(6 * 16, classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = nn.functional.avg_pool2d(torch.relu(self.bn(self.conv(images))), 2)
        return self.classifier(self.dropout(maps.flatten(1)))


def plain(architecture: Architecture, signature: Signature) -> nn.Module:
    return Plain(*signature.outputs)


def normed(architecture: Architecture, signature: Signature) -> nn.Module:
    return Normed(*signature.outputs)


class BuiltSpace(NasBench201):
    """The codes of NAS-Bench-201 with the networks that a function of architecture and signature makes."""

    def __init__(self, build: Any) -> None:
        super().__init__(4, 1)
        object.__setattr__(self, "network", build)


def a_recipe(
    data: Data | None = None, *, build: Any = normed, task: dict[str, Any] | None = None, **settings: Any
) -> Recipe:
    made = make_task(data or quadrants(), task or {})
    chosen = {"total_epochs": 6, "batch": 16, "lr": 0.05, **settings}
    space = NasBench201(4, 1) if build is None else BuiltSpace(build)
    return Recipe(space, made, TrainSettings(**chosen))


def a_job(start: int, stop: int, **facts: Any) -> Job:
    return dataclasses.replace(Job(7, CELL, 1, start, stop, seed=3), **facts)


def observed(result: JobResult) -> Observed:
    assert isinstance(result.outcome, Observed), result.outcome
    return result.outcome


def interrupted(result: JobResult) -> Interrupted:
    assert isinstance(result.outcome, Interrupted), result.outcome
    return result.outcome


def failed(result: JobResult) -> Failed:
    assert isinstance(result.outcome, Failed), result.outcome
    return result.outcome


def trained(job: Job, recipe: Recipe, folder: Path) -> tuple[Observed, CheckpointStore]:
    store = CheckpointStore(folder)
    return observed(train_rung(job, recipe, store)), store


def tensors_of(store: CheckpointStore, candidate_id: int = 7, replica: int = 0) -> dict[str, Tensor]:
    """Every tensor of a checkpoint under one name each."""
    found = store.read(candidate_id, replica).checkpoint
    assert found is not None
    groups = {"weights": found.weights, "momentum": found.momentum, "average": found.average or {}}
    groups["auxiliary"] = found.auxiliary or {}
    return {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}


def assert_same_bits(first: CheckpointStore, second: CheckpointStore) -> None:
    """Weights, momentum, batch-norm buffers, averages, curve without its times, and the rest of two checkpoints."""
    left, right = tensors_of(first), tensors_of(second)
    assert left.keys() == right.keys()
    assert left
    for name in left:
        assert torch.equal(left[name], right[name]), name
    one, other = first.read(7).checkpoint, second.read(7).checkpoint
    assert one is not None
    assert other is not None
    for name in ("epoch", "identity", "micro_batch", "initial_loss", "average_updates", "costs"):
        assert getattr(one, name) == getattr(other, name), name
    assert without_times(one.curve) == without_times(other.curve)


def without_times(curve: Any) -> list[Any]:
    return [dataclasses.replace(point, seconds=0.0) for point in curve]


def real_recipe(layout: str) -> Recipe:
    """Everything that carries state: momentum, batch norm, averages, ramp, augmentation, a short last batch."""
    return a_recipe(
        quadrants(train=150, validation=60),
        build=None,
        total_epochs=6,
        batch=32,
        lr=0.1,
        ema=0.95,
        metric="ema_loss",
        augment="crop_flip_cutout",
        warmup_epochs=2.5,
        task={"label_smoothing": 0.1},
        grad_clip=5.0,
        channels_last=layout == "channels_last",
    )
