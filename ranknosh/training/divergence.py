"""When a training is given up."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

EXPLODED = 1000.0
"""An epoch whose training loss is this many times the first batch's ends a training at once."""


class Diverged(Exception):
    """Training has left the finite or the sensible; the message says where."""


def check_loss(epoch: int, losses: Sequence[float], initial: float, factor: float) -> None:
    """Raise Diverged for the training losses of all epochs so far (the last is ``epoch``'s).

    Given up: a loss that is NaN or infinite; one above ``EXPLODED`` times the loss of the very first batch; two epochs in a
    row above ``factor`` times it (methods: one epoch may recover from a hot start).
    """
    last = losses[-1]
    if not math.isfinite(last) or not math.isfinite(initial):
        raise Diverged(f"training loss {last} in epoch {epoch}")
    if last > EXPLODED * initial:
        raise Diverged(f"training loss {last:.3g} in epoch {epoch} exploded from {initial:.3g} at the first batch")
    if len(losses) > 1 and min(losses[-2:]) > factor * initial:
        raise Diverged(
            f"training loss {last:.3g} in epoch {epoch}, two epochs above {factor:g} times the initial {initial:.3g}"
        )


def check_weights(epoch: int, network: nn.Module) -> None:
    """Raise Diverged where a parameter or a buffer is NaN or infinite."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise Diverged(f"{name} is not finite after epoch {epoch}")


def check_validation(epoch: int, loss: float) -> None:
    """Raise Diverged where the validation loss is NaN or infinite."""
    if not math.isfinite(loss):
        raise Diverged(f"validation loss {loss} after epoch {epoch}")
