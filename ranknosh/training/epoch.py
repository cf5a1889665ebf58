"""One pass over the training images: the loop that the hours are spent in."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ranknosh.data import ImageData, batches
from ranknosh.streams import torch_seed
from ranknosh.training.divergence import Diverged
from ranknosh.training.schedule import learning_rate
from ranknosh.training.settings import TrainSettings
from ranknosh.training.surroundings import seed_generators
from ranknosh.training.training import Training

_LOOK_EVERY = 64
"""Steps between two looks at the loss, each of which waits for the device."""


_STATISTICS_IMAGES = 512
"""Training images that batch-norm statistics of averaged weights are taken from: about a tenth of a small epoch's time."""


def steps_per_epoch(images: int, batch: int) -> int:
    """Optimiser steps of an epoch: the last batch may be short, but is never a single image (batch-norm has no variance
    there), which is left out for that epoch."""
    full, rest = divmod(images, batch)
    return max(1, full + (rest > 1 or (rest == 1 and full == 0)))


def epoch_order(images: int, batch: int, seed: int, epoch: int) -> Tensor:
    """(m,) int64: the order of epoch ``epoch`` (from 1), a function of seed and epoch alone."""
    generator = torch.Generator().manual_seed(torch_seed(seed, "order", epoch))
    order = torch.randperm(images, generator=generator)
    return order[: steps_per_epoch(images, batch) * batch]


def train_epoch(training: Training, data: ImageData, settings: TrainSettings, seed: int) -> float:
    """Train ``training.epoch + 1`` and return the mean training loss over its images, label smoothing included.

    Every random draw is keyed by (seed, epoch), so a resumed training repeats what an uninterrupted one would have drawn.
    Raises Diverged as soon as the loss is seen not to be finite.
    """
    epoch, device = training.epoch + 1, training.device
    seed_generators(torch_seed(seed, "forward", epoch), device)
    augmentation = torch.Generator(device).manual_seed(torch_seed(seed, "augment", epoch))
    images_in_all = len(data.train)
    steps = steps_per_epoch(images_in_all, settings.batch)
    network, optimizer = training.network.train(), training.optimizer
    training.steps = 0
    losses: list[Tensor] = []
    sizes: list[int] = []
    order = epoch_order(images_in_all, settings.batch, seed, epoch)
    for index, (images, labels) in enumerate(
        batches(
            data.train,
            batch=settings.batch,
            order=order,
            augment=settings.augment,
            generator=augmentation,
            mean=data.mean,
            std=data.std,
            device=device,
            channels_last=training.channels_last,
            dtype=torch.float32,
        )
    ):
        losses.append(accumulate(network, images, labels, training.micro_batch, settings))
        sizes.append(len(labels))
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(optimizer.parameters.values(), settings.grad_clip)
        optimizer.step(learning_rate(settings, training.epoch * steps + index, steps))
        training.steps = index + 1
        if training.average is not None:
            training.average.update()
        if index % _LOOK_EVERY == _LOOK_EVERY - 1 and not math.isfinite(float(losses[-1])):
            raise Diverged(f"training loss {float(losses[-1])} in epoch {epoch}, step {index + 1} of {steps}")
    if training.average is not None:
        training.average.estimate_statistics(_plain_images(training, data, order))
    values = torch.stack(losses).cpu().double()
    if training.initial_loss is None:
        training.initial_loss = float(values[0])
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float((values * weights).sum() / weights.sum())


def _plain_images(training: Training, data: ImageData, order: Tensor) -> Iterator[Tensor]:
    """The first ``_STATISTICS_IMAGES`` of an order without augmentation, in batches that memory is known to hold."""
    batch = training.micro_batch
    count = min(_STATISTICS_IMAGES, len(order))
    count -= count % batch == 1 and batch > 1 and count > 1
    for images, _ in batches(
        data.train,
        batch=batch,
        order=order[:count],
        mean=data.mean,
        std=data.std,
        device=training.device,
        channels_last=training.channels_last,
    ):
        yield images


def accumulate(network: nn.Module, images: Tensor, labels: Tensor, micro_batch: int, settings: TrainSettings) -> Tensor:
    """Add the gradient of the batch's mean loss to ``.grad`` and return that loss, a tensor of no shape.

    The batch goes through in equal parts of at most ``micro_batch`` images: the same gradient up to rounding, except that
    batch-norm takes its statistics from each part alone.
    """
    count = len(labels)
    parts = math.ceil(count / micro_batch)
    total: Tensor | None = None
    for some_images, some_labels in zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True):
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=settings.amp == "bf16"):
            logits = network(some_images)
        loss = (
            F.cross_entropy(logits.float(), some_labels, label_smoothing=settings.label_smoothing, reduction="sum")
            / count
        )
        loss.backward()
        total = loss.detach() if total is None else total + loss.detach()
    assert total is not None
    return total
