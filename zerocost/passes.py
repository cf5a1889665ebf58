"""The ways of running a network that proxies read. Every pass runs on copies of weights, buffers and inputs.

SAMPLE  one sample, evaluation mode, no gradients.
BATCH   the whole batch, no gradients. Batch and instance norm use the statistics of the batch, as in training; everything
        else is in evaluation mode, so that dropout and stochastic depth add no noise and auxiliary heads stay off.
FLOW    one sample of ones in float64, evaluation mode, parameters and buffers by absolute value, normalisation replaced
        by the identity, and the gradient of the summed output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject

_BATCH_STATISTICS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
)
_NORMALISATIONS = {
    getattr(place, name)
    for place in (F, torch)
    for name in ("batch_norm", "instance_norm", "group_norm", "layer_norm", "local_response_norm", "rms_norm")
    if hasattr(place, name)
}


def _sample(subject: Subject, proxies: Sequence[Proxy]) -> None:
    _set_modes(subject, batch_statistics=False)
    _install(subject, torch.clone)
    with torch.no_grad():
        _watched(subject, [tensor[:1].clone() for tensor in subject.inputs], proxies)


def _batch(subject: Subject, proxies: Sequence[Proxy]) -> None:
    _set_modes(subject, batch_statistics=True)
    _install(subject, torch.clone)
    with torch.no_grad():
        outputs = _watched(subject, [tensor.clone() for tensor in subject.inputs], proxies)
    if not bool(torch.isfinite(outputs).all()):
        raise Undefined("the outputs of the network hold NaN or infinity")


def _flow(subject: Subject, proxies: Sequence[Proxy]) -> None:
    _set_modes(subject, batch_statistics=False)
    copies = _install(subject, _positive)
    weights = [copies[id(p)].requires_grad_(True) for p in subject.parameters if p.is_floating_point()]
    with torch.enable_grad():
        with _WithoutNormalisation():
            outputs = _watched(subject, [_ones(tensor) for tensor in subject.inputs], proxies)
        if not outputs.requires_grad:
            raise Undefined("the output does not depend on any weight")
        gradients = torch.autograd.grad(outputs.sum(), weights, allow_unused=True)
    for weight, gradient in zip(weights, gradients, strict=True):
        if weight.ndim >= 2 and gradient is not None:
            for proxy in proxies:
                proxy.weight(weight.detach(), gradient)


RUN: dict[Pass, Callable[[Subject, Sequence[Proxy]], None]] = {
    Pass.NONE: lambda subject, proxies: None,
    Pass.SAMPLE: _sample,
    Pass.BATCH: _batch,
    Pass.FLOW: _flow,
}


def _watched(subject: Subject, inputs: Sequence[torch.Tensor], proxies: Iterable[Proxy]) -> torch.Tensor:
    """The first output of one forward pass that every proxy reads."""
    with ExitStack() as watching:
        for proxy in proxies:
            watching.enter_context(proxy.watch())
        outputs = subject.module(*inputs)
    first = outputs[0] if isinstance(outputs, (tuple, list)) and outputs else outputs
    if not isinstance(first, torch.Tensor):
        raise Undefined(f"the network returns {type(outputs).__name__}, not a tensor or a tuple that starts with one")
    return first


def _set_modes(subject: Subject, *, batch_statistics: bool) -> None:
    # Attribute by attribute: calling train() would run the caller's own overrides of it.
    for part in subject.parts:
        training = batch_statistics and isinstance(part, _BATCH_STATISTICS)
        if part.training != training:
            part.training = training


def _install(subject: Subject, copy: Callable[[torch.Tensor], torch.Tensor]) -> dict[int, torch.Tensor]:
    """Puts copies of all parameters and buffers into the module and gives them by the id of the original.

    A tensor that is shared has one copy, shared as well. ``state.preserved`` takes the originals back.
    """
    originals = {id(slot.tensor): slot.tensor for slot in subject.slots}
    copies = {key: copy(tensor.detach()) for key, tensor in originals.items()}
    for holder, name, tensor in subject.slots:
        holder[name] = copies[id(tensor)]
    return copies


def _positive(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64).abs() if tensor.is_floating_point() else tensor.clone()


def _ones(tensor: torch.Tensor) -> torch.Tensor:
    """One sample of ones; integers (token ids) stay integers."""
    dtype = torch.float64 if tensor.is_floating_point() else tensor.dtype
    return torch.ones((1, *tensor.shape[1:]), dtype=dtype, device=tensor.device)


class _WithoutNormalisation(TorchFunctionMode):
    """Every normalisation, from a module or a functional call, hands its input on."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in _NORMALISATIONS:
            tensor = args[0] if args else named["input"]
            return tensor.clone()  # a new tensor, as an activation may work in place on what it is given
        return func(*args, **named)
