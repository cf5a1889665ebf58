"""HALVES: the backward run of the loss on each of two halves of the batch: the first floor(N/2) samples and the last floor(N/2).

The middle sample of an odd batch is left out. Each half is a forward run like that of BATCH on new copies of weights and
buffers, so that the running statistics of one half do not reach the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zerocost.errors import Undefined
from zerocost.passes.network import finite, forward, gradients, input_copies, install, loss_of, set_modes, trainable
from zerocost.proxy import Proxy, Subject


def halves(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Give (weight, gradient) to ``Proxy.weight`` for the first half, then for the second.

    Both have the same weights in the same order: those with a gradient in both halves.
    """
    size = subject.batch // 2
    if size == 0:
        raise Undefined("it compares the gradients of two halves of the batch and needs a batch of 2 or more")
    set_modes(subject, batch_statistics=True)
    first = _gradients(subject, slice(0, size))
    second = _gradients(subject, slice(subject.batch - size, subject.batch))
    for half in (first, second):
        for parameter in subject.parameters:
            if id(parameter) in first and id(parameter) in second:
                for proxy in proxies:
                    proxy.weight(parameter.detach(), half[id(parameter)])


def _gradients(subject: Subject, samples: slice) -> dict[int, torch.Tensor]:
    """Gradient of the loss on ``samples`` by the id of the weight, for weights of two or more dimensions that have one."""
    weights = trainable(subject, install(subject, torch.clone))
    with torch.enable_grad():
        outputs = finite(forward(subject, [tensor[samples] for tensor in input_copies(subject)]))
        total = loss_of(subject, outputs, _labels(subject, samples))
    found = gradients(total, weights)
    # Keyed by the original: the copies of the two halves are different objects.
    originals = [parameter for parameter in subject.parameters if parameter.requires_grad]
    pairs = zip(originals, found, strict=True)
    return {id(weight): gradient for weight, gradient in pairs if weight.ndim >= 2 and gradient is not None}


def _labels(subject: Subject, samples: slice) -> torch.Tensor | None:
    targets = subject.targets
    if targets is not None and (targets.ndim == 0 or targets.shape[0] != subject.batch):
        raise Undefined(
            f"it halves the batch of {subject.batch}, and targets of shape {tuple(targets.shape)} do not have one row a sample"
        )
    return None if targets is None else targets[samples]
