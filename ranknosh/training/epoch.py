"""One pass over the training examples: the loop that the hours are spent in, its learning rate, and when it is given up."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ranknosh.core.records import EpochPoint
from ranknosh.spaces.nets.regularisation import scheduled_rate
from ranknosh.streams import stream, torch_seed
from ranknosh.tasks.base import LOSS
from ranknosh.tasks.data import Data, batches
from ranknosh.tasks.meters import Measured
from ranknosh.training.evaluate import evaluate
from ranknosh.training.mixup import Blend, blended
from ranknosh.training.settings import Recipe, TrainSettings
from ranknosh.training.surroundings import seed_generators
from ranknosh.training.training import Headed, Training

_LOOK_EVERY = 64
"""Steps between two looks at the loss, each of which waits for the device."""
_EXPLODED = 1000.0
"""An epoch whose training loss is this many times the first batch's ends a training at once."""
_STATISTICS_EXAMPLES = 512
"""Training examples that batch-norm statistics of averaged weights are taken from: about a tenth of a small epoch's time."""


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
    """The rate of an update: ``lr/2 · (1 + cos(pi · share))``, share being the part of the whole schedule that has passed; of the
    linear schedule ``lr · (1 - share)``, of the exponential one ``lr · lr_decay ^ epochs`` passed.

    It is one schedule for every level, never annealed to zero at a lower one.

    With ``lr_per`` ``epoch`` whole epochs count only (the DARTS code). A linear ramp over the steps of ``warmup_epochs``
    multiplies it; the schedule does not wait for the ramp.

    Args:
        settings: lr, schedule, lr_decay, lr_per, warmup_epochs and total_epochs are read.
        epoch: epochs finished before this one.
        step: steps made in this epoch before this one.
        steps: steps an epoch has.
    """
    passed = epoch * steps + step
    warmup_steps = settings.warmup_epochs * steps
    ramp = min(1.0, (passed + 1) / warmup_steps) if warmup_steps else 1.0
    return settings.lr * _fallen(settings, epoch, passed, steps) * ramp


def _fallen(settings: TrainSettings, epoch: int, passed: int, steps: int) -> float:
    """What the schedule multiplies the rate by after ``epoch`` whole epochs and ``passed`` steps in all."""
    whole, total = settings.lr_per == "epoch", settings.total_epochs
    if settings.schedule == "exponential":
        return settings.lr_decay ** (epoch if whole else passed / steps)
    if settings.schedule == "linear":
        return 1 - (epoch / total if whole else passed / (total * steps))
    angle = math.pi * epoch / total if whole else math.pi * (passed / (total * steps))
    return 0.5 * (1 + math.cos(angle))


def steps_per_epoch(examples: int, batch: int) -> int:
    """Optimiser steps of an epoch: the last batch may be short, but is never a single example (batch-norm has no variance
    there), which is left out for that epoch."""
    full, rest = divmod(examples, batch)
    if full == 0:
        return 1
    return full + 1 if rest > 1 else full


def _epoch_order(examples: int, batch: int, seed: int, epoch: int) -> Tensor:
    """(m,) int64: the order of epoch ``epoch`` (from 1), a function of seed and epoch alone."""
    generator = torch.Generator().manual_seed(torch_seed(seed, "order", epoch))
    order = torch.randperm(examples, generator=generator)
    return order[: steps_per_epoch(examples, batch) * batch]


def run_epoch(
    training: Training, data: Data, on_step: Callable[[int, int], None] = lambda step, steps: None
) -> EpochPoint:
    """Train one epoch, judge it on the validation examples, and append its point to the curve.

    Every random draw is keyed by (seed, epoch), so a resumed training repeats what an uninterrupted one would have drawn.

    Args:
        training: the network and all that changes with it; its ``steps`` are those made, whatever happens.
        data: what is learned, on the training device or not.
        on_step: called after every step with the steps made in this epoch and the steps it has.

    Raises:
        Diverged: as soon as losses or weights are seen not to be finite or sensible.
    """
    recipe, epoch, began = training.recipe, training.epoch + 1, time.perf_counter()
    trained = _train_epoch(training, data, on_step)
    train_loss = trained.pop(LOSS, math.nan)
    assert training.initial_loss is not None
    losses = [*(point.train_loss for point in training.curve), train_loss]
    _check_loss(epoch, losses, training.initial_loss, recipe.settings.divergence_factor)
    _check_weights(epoch, training.network)
    metrics: dict[str, float] = {}
    if not recipe.settings.all_data:
        metrics = evaluate(training.judged, data.validation, recipe)
    judged = metrics or {**trained, LOSS: train_loss}
    for name in (LOSS, recipe.ranked):
        if name not in judged:
            raise Diverged(f"{'validation' if metrics else 'training'} {name} is not finite after epoch {epoch}")
    metric = recipe.task.direction(recipe.ranked) * judged[recipe.ranked]
    point = EpochPoint(epoch, train_loss, metric, time.perf_counter() - began, metrics, trained)
    training.curve.append(point)
    training.epoch = epoch
    return point


def _train_epoch(
    training: Training, data: Data, on_step: Callable[[int, int], None] = lambda step, steps: None
) -> dict[str, float]:
    """Train one epoch, and return the task's metrics and its loss as it is minimised (without the auxiliary head's part), both
    over the examples while they were learned, augmented."""
    settings, seed, epoch, device = training.recipe.settings, training.job.seed, training.epoch + 1, training.device
    seed_generators(torch_seed(seed, "forward", epoch), device)
    if training.drop_path is not None:
        training.drop_path.rate = scheduled_rate(settings.drop_path, training.epoch, settings.total_epochs)
        training.drop_path.generator = torch.Generator(device).manual_seed(torch_seed(seed, "drop_path", epoch))
    steps = steps_per_epoch(len(data.train), settings.batch)
    training.model.train()
    training.steps = 0
    measured = Measured(training.recipe.task, device)
    order = _epoch_order(len(data.train), settings.batch, seed, epoch)
    drawn = batches(
        data.train,
        data.preparation,
        batch=settings.batch,
        order=order,
        augment=settings.augment,
        generator=torch.Generator(device).manual_seed(torch_seed(seed, "augment", epoch)),
        randaugment=settings.randaugment,
        device=device,
        channels_last=training.channels_last,
    )
    rng = stream(seed, "mixup", epoch)
    for index, (inputs, targets) in enumerate(drawn):
        blend = None
        if settings.mixup:
            inputs, blend = blended(inputs, targets, settings.mixup, rng)
        loss, outputs = accumulate(training.model, inputs, targets, training.micro_batch, training.recipe, blend)
        measured.add(outputs, targets, loss)
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
    if training.initial_loss is None:
        training.initial_loss = float(measured.losses[0])
    return measured.values()


def _plain_batches(training: Training, data: Data, order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The first ``_STATISTICS_EXAMPLES`` of an order without augmentation, in batches that memory is known to hold."""
    batch = training.micro_batch
    count = min(_STATISTICS_EXAMPLES, len(order))
    if count > 1 and count % batch == 1:
        count -= 1  # batch-norm has no variance over a single example
    return batches(
        data.train,
        data.preparation,
        batch=batch,
        order=order[:count],
        device=training.device,
        channels_last=training.channels_last,
    )


def accumulate(
    model: nn.Module, inputs: Tensor, targets: Tensor, micro_batch: int, recipe: Recipe, blend: Blend | None = None
) -> tuple[Tensor, Tensor]:
    """Add the gradient of ``L(outputs) + auxiliary * L(auxiliary outputs)`` to ``.grad``, L being the task's loss of the batch.

    The batch goes through in equal parts of at most ``micro_batch`` examples: the same gradient up to rounding, except that
    batch norm takes its statistics from each part alone.

    Args:
        model: the network, or :class:`ranknosh.training.training.Headed` around it.
        inputs: (b, ...).
        targets: (b, ...).
        micro_batch: examples that memory holds.
        recipe: the task and its settings.
        blend: of the inputs with others; None where they are as they were drawn.

    Returns:
        L(outputs) and the outputs (b, ...), without gradients.
    """
    task, settings, count = recipe.task, recipe.settings, len(targets)
    parts = math.ceil(count / micro_batch)
    losses, outputs = [], []
    blends = [None] * parts if blend is None else blend.split(parts)
    pieces = zip(inputs.tensor_split(parts), targets.tensor_split(parts), blends, strict=True)
    for some_inputs, some_targets, some_blend in pieces:
        share = len(some_targets) / count
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=settings.amp == "bf16"):
            judged = task.loss if some_blend is None else partial(some_blend.loss, task)
            if some_blend is None:
                loss, some_outputs = task.train_step(model, some_inputs, some_targets)
            else:
                some_outputs = model(some_inputs)
                loss = judged(some_outputs, some_targets)
            objective = loss
            if isinstance(model, Headed):
                objective = loss + settings.auxiliary * judged(model.take_second(), some_targets)
        (objective * share).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach() * share)
        outputs.append(some_outputs.detach())
    return sum(losses[1:], losses[0]), torch.cat(outputs) if parts > 1 else outputs[0]
