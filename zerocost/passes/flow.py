"""FLOW: the gradient of the summed output for one sample of ones, in float64 and evaluation mode.

Parameters and buffers are replaced by their absolute values and normalisation by the identity. Of the data only the
shape is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from zerocost.errors import Undefined
from zerocost.passes.network import first_tensor, install, set_modes, watched, weight_gradients
from zerocost.proxy import Proxy, Subject

_NORMALISATIONS = {
    getattr(place, name)
    for place in (F, torch)
    for name in ("batch_norm", "instance_norm", "group_norm", "layer_norm", "local_response_norm", "rms_norm")
    if hasattr(place, name)
}
_KINDS = ("BatchNorm2d", "SyncBatchNorm", "InstanceNorm2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm")
_FORWARDS = {getattr(nn, kind).forward for kind in _KINDS if hasattr(nn, kind)}


def flow(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Give (weight, gradient of the summed output) to ``Proxy.weight``, for weights of two or more dimensions."""
    set_modes(subject, batch_statistics=False)
    for part in subject.parts:
        if type(part).forward in _FORWARDS:
            part.forward = torch.clone  # also where a checkpoint runs it again for the gradients, out of the mode below
    copies = install(subject, _positive)
    weights = [copies[id(p)].requires_grad_(True) for p in subject.parameters if p.is_floating_point()]
    with torch.enable_grad():
        with _WithoutNormalisation():
            outputs = first_tensor(watched(subject, [_ones(tensor) for tensor in subject.inputs], proxies))
        if not outputs.requires_grad:
            raise Undefined("the output does not depend on any weight")
        for weight, gradient in weight_gradients(outputs.sum(), weights):
            for proxy in proxies:
                proxy.weight(weight.detach(), gradient)


def _positive(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64).abs() if tensor.is_floating_point() else tensor.clone()


def _ones(tensor: torch.Tensor) -> torch.Tensor:
    """One sample of ones; integers (token ids) stay integers."""
    dtype = torch.float64 if tensor.is_floating_point() else tensor.dtype
    return torch.ones((1, *tensor.shape[1:]), dtype=dtype, device=tensor.device)


class _WithoutNormalisation(TorchFunctionMode):
    """Replaces every normalisation, from a module or a functional call, by the identity."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in _NORMALISATIONS:
            tensor = args[0] if args else named["input"]
            return tensor.clone()  # a new tensor, because an activation may change its input in place
        return func(*args, **named)
