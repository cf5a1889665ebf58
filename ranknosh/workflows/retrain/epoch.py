"""One epoch of a retraining: drop-path, the auxiliary head's loss, clipping, and what is told of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ranknosh.data import ImageData, batches
from ranknosh.spaces.nets import scheduled_rate
from ranknosh.streams import torch_seed
from ranknosh.training.divergence import Diverged
from ranknosh.training.epoch import epoch_order, steps_per_epoch
from ranknosh.training.evaluate import evaluate
from ranknosh.training.surroundings import seed_generators
from ranknosh.workflows.retrain.outcome import EpochLine
from ranknosh.workflows.retrain.training import Plan, Training

LOOK_EVERY = 64
"""Steps between two looks at the loss, each of which waits for the device."""
OnStep = Callable[[int, int], None]
"""Steps done in this epoch, and steps it has."""


def rate_at(plan: Plan, epoch: int, step: int, steps: int) -> float:
    """The learning rate of step ``step`` (from 0, of ``steps`` an epoch) of epoch ``epoch`` (from 0).

    ``lr/2 · (1 + cos(pi · t / epochs))``, t the epochs passed: whole ones where ``lr_per`` is ``epoch`` (the DARTS code), with
    the share of the running one where it is ``step``; times a linear ramp over the steps of ``warmup_epochs``.
    """
    settings, passed = plan.settings, epoch * steps + step
    position = epoch if plan.recipe.train.lr_per == "epoch" else passed / steps
    cosine = 0.5 * (1 + math.cos(math.pi * position / settings.total_epochs))
    warmup_steps = settings.warmup_epochs * steps
    return settings.lr * cosine * (min(1.0, (passed + 1) / warmup_steps) if warmup_steps else 1.0)


def run_epoch(training: Training, plan: Plan, data: ImageData, on_step: OnStep | None = None) -> EpochLine:
    """Train epoch ``training.epoch + 1`` and validate, where the validation images are not trained on.

    ``data``: ``plan.learned``, on the training device or not. Every draw is keyed by (seed, epoch), so a resumed training
    repeats what an uninterrupted one would have drawn. ``training.epoch`` is moved on by the caller. Raises Diverged as soon as
    the loss is seen not to be finite.
    """
    began = time.perf_counter()
    settings, recipe, index = plan.settings, plan.recipe.train, training.epoch
    epoch, network, device = index + 1, training.network.train(), training.device
    images_in_all = len(data.train)
    steps = steps_per_epoch(images_in_all, settings.batch)
    seed_generators(torch_seed(plan.seed, "forward", epoch), device)
    drop = network.drop_path
    drop.rate = scheduled_rate(recipe.drop_path, index, recipe.epochs)
    drop.generator = torch.Generator(device).manual_seed(torch_seed(plan.seed, "drop_path", epoch))
    losses: list[Tensor] = []
    right: list[Tensor] = []
    sizes: list[int] = []
    for step, (images, labels) in enumerate(
        batches(
            data.train,
            batch=settings.batch,
            order=epoch_order(images_in_all, settings.batch, plan.seed, epoch),
            augment=settings.augment,
            generator=torch.Generator(device).manual_seed(torch_seed(plan.seed, "augment", epoch)),
            mean=data.mean,
            std=data.std,
            device=device,
            channels_last=training.channels_last,
        )
    ):
        loss, correct = accumulate(training, images, labels, plan)
        losses.append(loss)
        right.append(correct)
        sizes.append(len(labels))
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(training.optimizer.parameters.values(), settings.grad_clip)
        training.optimizer.step(rate_at(plan, index, step, steps))
        if step % LOOK_EVERY == LOOK_EVERY - 1 and not math.isfinite(float(loss)):
            raise Diverged(f"training loss {float(loss)} in epoch {epoch}, step {step + 1} of {steps}")
        if on_step is not None:
            on_step(step + 1, steps)
    values, weights = torch.stack(losses).cpu().double(), torch.tensor(sizes, dtype=torch.float64)
    if training.initial_loss is None:
        training.initial_loss = float(values[0])
    accuracy, validation_loss = None, None
    if not recipe.all_images:
        accuracy, validation_loss = evaluate(network, data.validation, plan.task)
    return EpochLine(
        epoch=epoch,
        lr=rate_at(plan, index, 0, steps),
        drop_path=drop.rate,
        train_loss=float((values * weights).sum() / weights.sum()),
        train_accuracy=int(torch.stack(right).sum()) / sum(sizes),
        validation_loss=validation_loss,
        validation_accuracy=accuracy,
        seconds=time.perf_counter() - began,
    )


def accumulate(training: Training, images: Tensor, labels: Tensor, plan: Plan) -> tuple[Tensor, Tensor]:
    """Add the gradient of ``L(logits) + auxiliary * L(auxiliary logits)`` to ``.grad``, L the batch's mean cross-entropy.

    Returns L(logits) and the number of images right, both of no shape. The batch goes through in equal parts of at most
    ``training.micro_batch`` images, from each of which batch norm takes its statistics.
    """
    settings, count = plan.settings, len(labels)
    parts = math.ceil(count / training.micro_batch)
    total = torch.zeros((), device=images.device)
    right = torch.zeros((), dtype=torch.int64, device=images.device)
    for some, their_labels in zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True):
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=settings.amp == "bf16"):
            logits, second = training.network(some)
        loss = objective = _loss(logits, their_labels, settings.label_smoothing, count)
        if second is not None:
            auxiliary = _loss(second, their_labels, settings.label_smoothing, count)
            objective = loss + plan.recipe.train.auxiliary * auxiliary
        objective.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
        right += (logits.detach().argmax(1) == their_labels).sum()
    return total, right


def _loss(logits: Tensor, labels: Tensor, smoothing: float, count: int) -> Tensor:
    return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="sum") / count
