"""One pass over the training images: the loop that the hours are spent in, its learning rate, and when it is given up."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ranknosh.core.records import EpochPoint
from ranknosh.data import ImageData, batches
from ranknosh.spaces.nets.regularisation import scheduled_rate
from ranknosh.streams import torch_seed
from ranknosh.training.evaluate import evaluate
from ranknosh.training.settings import TrainSettings
from ranknosh.training.surroundings import seed_generators
from ranknosh.training.training import Training

_LOOK_EVERY = 64
"""Steps between two looks at the loss, each of which waits for the device."""
_EXPLODED = 1000.0
"""An epoch whose training loss is this many times the first batch's ends a training at once."""
_STATISTICS_IMAGES = 512
"""Training images that batch-norm statistics of averaged weights are taken from: about a tenth of a small epoch's time."""


class Diverged(Exception):
    """Training has left the finite or the sensible; the message says where."""


def _check_loss(epoch: int, losses: Sequence[float], initial: float, factor: float) -> None:
    """Give a training up for its losses in all epochs so far; one above ``factor * initial`` may recover from a hot start."""
    last = losses[-1]
    if not math.isfinite(last) or not math.isfinite(initial):
        raise Diverged(f"training loss {last} in epoch {epoch}")
    if last > _EXPLODED * initial:
        raise Diverged(f"training loss {last:.3g} in epoch {epoch} exploded from {initial:.3g} at the first batch")
    if len(losses) > 1 and min(losses[-2:]) > factor * initial:
        raise Diverged(
            f"training loss {last:.3g} in epoch {epoch}, two epochs above {factor:g} times the initial {initial:.3g}"
        )


def _check_weights(epoch: int, network: nn.Module) -> None:
    """Give a training up where a parameter or a buffer is NaN or infinite."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise Diverged(f"{name} is not finite after epoch {epoch}")


def learning_rate(settings: TrainSettings, epoch: int, step: int, steps: int) -> float:
    """The rate of an update: ``lr/2 · (1 + cos(pi · share))``, share being the part of the whole schedule that has passed.

    It is one cosine for every level, never annealed to zero at a lower one.

    With ``lr_per`` ``epoch`` whole epochs count only (the DARTS code). A linear ramp over the steps of ``warmup_epochs``
    multiplies it; the cosine does not wait for the ramp.

    Args:
        settings: lr, lr_per, warmup_epochs and total_epochs are read.
        epoch: epochs finished before this one.
        step: steps made in this epoch before this one.
        steps: steps an epoch has.
    """
    passed = epoch * steps + step
    if settings.lr_per == "epoch":
        angle = math.pi * epoch / settings.total_epochs
    else:
        angle = math.pi * (passed / (settings.total_epochs * steps))
    cosine = 0.5 * (1 + math.cos(angle))
    warmup_steps = settings.warmup_epochs * steps
    ramp = min(1.0, (passed + 1) / warmup_steps) if warmup_steps else 1.0
    return settings.lr * cosine * ramp


def steps_per_epoch(images: int, batch: int) -> int:
    """Optimiser steps of an epoch: the last batch may be short, but is never a single image (batch-norm has no variance
    there), which is left out for that epoch."""
    full, rest = divmod(images, batch)
    if full == 0:
        return 1
    return full + 1 if rest > 1 else full


def _epoch_order(images: int, batch: int, seed: int, epoch: int) -> Tensor:
    """(m,) int64: the order of epoch ``epoch`` (from 1), a function of seed and epoch alone."""
    generator = torch.Generator().manual_seed(torch_seed(seed, "order", epoch))
    order = torch.randperm(images, generator=generator)
    return order[: steps_per_epoch(images, batch) * batch]


def run_epoch(
    training: Training, data: ImageData, on_step: Callable[[int, int], None] = lambda step, steps: None
) -> EpochPoint:
    """Train one epoch, judge it on the validation images, and append its point to the curve.

    Every random draw is keyed by (seed, epoch), so a resumed training repeats what an uninterrupted one would have drawn.

    Args:
        training: the network and all that changes with it; its ``steps`` are those made, whatever happens.
        data: the task's images, on the training device or not.
        on_step: called after every step with the steps made in this epoch and the steps it has.

    Raises:
        Diverged: as soon as losses or weights are seen not to be finite or sensible.
    """
    task, epoch, began = training.task, training.epoch + 1, time.perf_counter()
    settings = task.settings
    train_loss, train_accuracy = _train_epoch(training, data, on_step)
    assert training.initial_loss is not None
    losses = [*(point.train_loss for point in training.curve), train_loss]
    _check_loss(epoch, losses, training.initial_loss, settings.divergence_factor)
    _check_weights(epoch, training.network)
    accuracy = loss = None
    ranked = train_accuracy, train_loss
    if not settings.all_images:
        ranked = accuracy, loss = evaluate(training.judged, data.validation, task)
        if not math.isfinite(loss):
            raise Diverged(f"validation loss {loss} after epoch {epoch}")
    metric = ranked[0] if settings.metric.endswith("accuracy") else -ranked[1]
    seconds = time.perf_counter() - began
    point = EpochPoint(epoch, train_loss, loss, accuracy, metric, seconds, train_accuracy)
    training.curve.append(point)
    training.epoch = epoch
    return point


def _train_epoch(
    training: Training, data: ImageData, on_step: Callable[[int, int], None] = lambda step, steps: None
) -> tuple[float, float]:
    """Train one epoch, and return the mean loss over its images (nats, label smoothing included, without the auxiliary head's
    part) and the share of them that was right, both while they were learned, augmented."""
    settings, seed, epoch, device = training.task.settings, training.job.seed, training.epoch + 1, training.device
    seed_generators(torch_seed(seed, "forward", epoch), device)
    if training.drop_path is not None:
        training.drop_path.rate = scheduled_rate(settings.drop_path, training.epoch, settings.total_epochs)
        training.drop_path.generator = torch.Generator(device).manual_seed(torch_seed(seed, "drop_path", epoch))
    steps = steps_per_epoch(len(data.train), settings.batch)
    training.network.train()
    training.steps = 0
    losses: list[Tensor] = []
    right: list[Tensor] = []
    sizes: list[int] = []
    order = _epoch_order(len(data.train), settings.batch, seed, epoch)
    drawn = batches(
        data.train,
        batch=settings.batch,
        order=order,
        augment=settings.augment,
        generator=torch.Generator(device).manual_seed(torch_seed(seed, "augment", epoch)),
        mean=data.mean,
        std=data.std,
        device=device,
        channels_last=training.channels_last,
    )
    for index, (images, labels) in enumerate(drawn):
        loss, correct = _accumulate(training.forward, images, labels, training.micro_batch, settings)
        losses.append(loss)
        right.append(correct)
        sizes.append(len(labels))
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(training.optimizer.parameters.values(), settings.grad_clip)
        training.optimizer.step(learning_rate(settings, training.epoch, index, steps))
        training.steps = index + 1
        if training.average is not None:
            training.average.update()
        if index % _LOOK_EVERY == _LOOK_EVERY - 1 and not math.isfinite(float(loss)):
            raise Diverged(f"training loss {float(loss)} in epoch {epoch}, step {index + 1} of {steps}")
        on_step(index + 1, steps)
    if training.average is not None:
        training.average.estimate_statistics(_plain_batches(training, data, order))
    values = torch.stack(losses).cpu().double()
    if training.initial_loss is None:
        training.initial_loss = float(values[0])
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float((values * weights).sum() / weights.sum()), int(torch.stack(right).sum()) / sum(sizes)


def _plain_batches(training: Training, data: ImageData, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The first ``_STATISTICS_IMAGES`` of an order without augmentation, in batches that memory is known to hold."""
    batch = training.micro_batch
    count = min(_STATISTICS_IMAGES, len(order))
    if count > 1 and count % batch == 1:
        count -= 1  # batch-norm has no variance over a single image
    return batches(
        data.train,
        batch=batch,
        order=order[:count],
        mean=data.mean,
        std=data.std,
        device=training.device,
        channels_last=training.channels_last,
    )


def _accumulate(
    forward: Callable[[Tensor], tuple[Tensor, Tensor | None]],
    images: Tensor,
    labels: Tensor,
    micro_batch: int,
    settings: TrainSettings,
) -> tuple[Tensor, Tensor]:
    """Add the gradient of ``L(logits) + auxiliary * L(auxiliary logits)`` to ``.grad``, L being the batch's mean cross-entropy.

    The batch goes through in equal parts of at most ``micro_batch`` images: the same gradient up to rounding, except that
    batch norm takes its statistics from each part alone. Returns L(logits), without a gradient, and the number of images right.
    """
    count = len(labels)
    parts = math.ceil(count / micro_batch)
    losses, right = [], []

    def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = settings.label_smoothing
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="sum") / count

    for some_images, some_labels in zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True):
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=settings.amp == "bf16"):
            logits, second = forward(some_images)
        loss = objective = loss_of(logits, some_labels)
        if second is not None:
            objective = loss + settings.auxiliary * loss_of(second, some_labels)
        objective.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
        right.append((logits.detach().argmax(1) == some_labels).sum())
    return sum(losses[1:], losses[0]), sum(right[1:], right[0])
