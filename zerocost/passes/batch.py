"""BATCH: the whole batch in one forward run, and the backward runs that its proxies read.

Batch and instance norm use the statistics of the batch, as in training; everything else is in evaluation mode, so that
dropout and stochastic depth add no noise and auxiliary heads are off. All proxies together cost one forward run, one
backward run of the loss to the weights, and one of the summed outputs to the inputs.

Inputs and trainable weights require a gradient whatever is read: torch chooses kernels by that, and they differ by rounding.
Where only the forward run is read, the graph keeps no tensors, and the network may return anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks

from zerocost.errors import Undefined
from zerocost.passes.network import (
    finite,
    first_tensor,
    input_copies,
    install,
    loss_of,
    refuse_hidden,
    set_modes,
    tensor_in,
    trainable,
    watched,
    weight_gradients,
)
from zerocost.proxy import BackwardRun, Proxy, Subject


def batch(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Run the batch forward, and backward as the proxies read; see the module's docstring."""
    reads = frozenset().union(*(proxy.reads for proxy in proxies))
    set_modes(subject, batch_statistics=True)
    weights = trainable(subject, install(subject, torch.clone))
    copies = input_copies(subject)
    sources = [tensor.requires_grad_(True) for tensor in copies if tensor.is_floating_point()]
    with torch.enable_grad():
        # Clones, because a network may change its inputs in place.
        with nullcontext() if reads else saved_tensors_hooks(_forget, _forget):
            returned = watched(subject, [tensor.clone() for tensor in copies], proxies)
        if not reads and tensor_in(returned) is None:
            return  # what these proxies saw does not depend on what is returned
        outputs = finite(first_tensor(returned))
        if BackwardRun.LOSS in reads:
            total = loss_of(subject, outputs, subject.targets)
            for weight, gradient in weight_gradients(total, weights, retain=BackwardRun.INPUTS in reads):
                for proxy in proxies:
                    proxy.weight(weight.detach(), gradient)
            for proxy in proxies:
                proxy.differentiated()
        if BackwardRun.INPUTS in reads:
            gradients = _input_gradients(outputs, sources)
            for proxy in proxies:
                proxy.inputs(gradients)


def _forget(_: Any) -> Any:
    """Saves None in place of every tensor that a backward run would need."""


def _input_gradients(outputs: torch.Tensor, sources: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if not sources:
        raise Undefined(
            "it needs an input of floating-point numbers: there is no gradient with respect to whole numbers"
        )
    total = outputs.sum()
    refuse_hidden(total)
    found = torch.autograd.grad(total, list(sources), allow_unused=True) if total.requires_grad else ()
    if all(gradient is None for gradient in found):
        raise Undefined("the outputs do not depend on the inputs")
    if not all(gradient is None or bool(torch.isfinite(gradient).all()) for gradient in found):
        raise Undefined("the gradient of the outputs with respect to the inputs holds NaN or infinity")
    return [torch.zeros_like(s) if g is None else g for s, g in zip(sources, found, strict=True)]
