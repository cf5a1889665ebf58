"""Weighted sums of feature maps that make no scaled copies."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _ScaledAdd(torch.autograd.Function):
    """``total + weight * x`` into ``total``'s memory; the gradient of ``weight`` is one inner product."""

    @staticmethod
    def forward(ctx: Any, total: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        # Tells autograd that ``total`` was overwritten, so that a backward pass that needs its old value raises.
        ctx.mark_dirty(total)
        return _add(total, x, weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        into_x = gradient * weight if ctx.needs_input_grad[1] else None
        into_weight = inner_product(gradient, x) if ctx.needs_input_grad[2] else None
        return gradient, into_x, into_weight


class _Scaled(torch.autograd.Function):
    """``weight * x``; the gradient of ``weight`` is one inner product."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x * weight

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        into_x = gradient * weight if ctx.needs_input_grad[0] else None
        into_weight = inner_product(gradient, x) if ctx.needs_input_grad[1] else None
        return into_x, into_weight


def add_scaled(total: Tensor | None, x: Tensor, weight: Tensor) -> Tensor:
    """``total + weight * x``, differentiable as often as needed.

    Args:
        total: Sum so far, overwritten: the caller must own its memory. None for none.
        x: Feature maps of the same shape.
        weight: A scalar tensor.

    Returns:
        ``total`` with the product added, or ``weight * x`` as a new tensor.
    """
    if total is None:
        scaled: Tensor = _Scaled.apply(x, weight) if weight.requires_grad else x * weight
        return scaled
    if not weight.requires_grad:
        return _add(total, x, weight)
    added: Tensor = _ScaledAdd.apply(total, x, weight)
    return added


def inner_product(first: Tensor, second: Tensor) -> Tensor:
    """The sum of products of two tensors of one shape, without a copy where both have the same memory order."""
    # A product over both in memory order is the same sum; ``(first * second).sum()`` would write a product of full
    # size.
    for layout in (torch.contiguous_format, torch.channels_last):
        if first.is_contiguous(memory_format=layout) and second.is_contiguous(memory_format=layout):
            if layout is torch.channels_last:
                first, second = first.permute(0, 2, 3, 1), second.permute(0, 2, 3, 1)
            return torch.dot(first.reshape(-1), second.reshape(-1))
    return (first * second).sum()


def _add(total: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    if weight.device.type == "cpu":
        # On the CPU item() costs nothing; on a GPU it would wait for the device, so the weight stays a tensor there.
        return total.add_(x, alpha=weight.item())
    return total.addcmul_(x, weight)
