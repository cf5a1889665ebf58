"""CURVATURE: the product of the loss's Hessian with its own gradient, over the trainable weights of two or more dimensions.

The forward run is that of BATCH, but of its own: its kernels must be differentiable twice, which fused attention and the
recurrent kernels of cuDNN are not, and other kernels would move the values of the other proxies by rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from zerocost.errors import Undefined
from zerocost.passes.network import (
    finite,
    forward,
    gradients,
    input_copies,
    install,
    loss_of,
    nodes,
    set_modes,
    trainable,
    weight_gradients,
)
from zerocost.proxy import Proxy, Subject


def curvature(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Give (weight, Hessian times gradient) to ``Proxy.weight``."""
    set_modes(subject, batch_statistics=True)
    weights = trainable(subject, install(subject, torch.clone))
    with torch.enable_grad(), _twice_differentiable(subject):
        outputs = finite(forward(subject, input_copies(subject)))
        pairs = list(weight_gradients(loss_of(subject, outputs, subject.targets), weights, graph=True))
        if not pairs:
            raise Undefined("the loss does not depend on any trainable weight of two or more dimensions")
        # The gradient of <stop(g), g> to the weights is H g: one double backward run instead of a Hessian.
        total = torch.stack([(gradient.detach() * gradient).sum() for _, gradient in pairs]).sum()
        if not total.requires_grad:
            raise Undefined("the gradient of the loss does not depend on the weights: the network is linear in them")
        _check_twice(total)
        members = [weight for weight, _ in pairs]
        try:
            products = gradients(total, members)
        except RuntimeError as error:
            if "derivative for" not in str(error):
                raise
            raise Undefined(f"the network cannot be differentiated twice: {error}") from error
    for weight, product in zip(members, products, strict=True):
        for proxy in proxies:
            proxy.weight(weight.detach(), torch.zeros_like(weight) if product is None else product)


def _check_twice(total: torch.Tensor) -> None:
    """Refuse networks with an operation that has no second derivative: ``autograd.grad`` would leave its branch out
    silently.

    Raises:
        Undefined: There is one.
    """
    if any(node.name() == "torch::autograd::Error" for node in nodes(total)):
        raise Undefined("the network cannot be differentiated twice: it or the loss uses a function that refuses it")


@contextmanager
def _twice_differentiable(subject: Subject) -> Iterator[None]:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    cudnn = torch.backends.cudnn
    enabled = cudnn.enabled
    try:
        if any(isinstance(part, nn.RNNBase) for part in subject.parts):
            # Not by cudnn.flags(), which sets its other switches, too, and refuses some of their values.
            cudnn.enabled = False
        with sdpa_kernel([SDPBackend.MATH]):
            yield
    finally:
        cudnn.enabled = enabled
