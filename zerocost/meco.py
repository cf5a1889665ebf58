"""meco: how far from linearly dependent the channels of every feature map are, on one image of noise."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from zerocost.errors import Undefined
from zerocost.passes.network import BATCH_NORMS, install, set_modes
from zerocost.proxy import Pass, Proxy, Subject

SIDE = 64
"""Least side of an image, in pixels."""


class Meco(Proxy):
    """``sum_m lambda_min(P_m)`` over the executions m of all modules, with P_m the (C, C) Pearson correlations of the channels of
    the module's output on one image from N(0, 1), over its positions. Larger is better; every term is between 0 and 1.

    Source: Jiang et al. 2023, "MeCo: zero-shot NAS with one data and single forward pass via minimum eigenvalue of
    correlation". As in the published code every module counts, so that an output which a container returns counts twice;
    dimension 1 of an output is its channels and what follows are its positions; and the correlations of a constant channel
    are 0, with itself too. The term is 0 then, and where there are no more positions than channels.

    Sides of images are max(64, given), 64 as published, or those given where the network refuses that. Batch norms use the
    statistics of the one image, but their running statistics where there is one value a channel, which torch refuses.

    Deviations: float64 and a symmetric solver, with eigenvalues below 0 (rounding) taken as 0; of a tuple the first tensor
    is read; outputs whose first dimension is not the one image are left out. Undefined for inputs of whole numbers and where
    no module gives more positions than channels.
    """

    name = "meco"
    needs = Pass.OWN

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._terms: list[float] = []

    def run(self) -> None:
        inputs = self.subject.inputs
        if not all(tensor.is_floating_point() for tensor in inputs):
            raise Undefined("it draws its image from a Gaussian and needs inputs of floating-point numbers")
        given = [(1, *tensor.shape[1:]) for tensor in inputs]
        enlarged = [_enlarged(shape) for shape in given]
        if enlarged != given:
            try:
                self._forward(enlarged)
                return
            # A reason found on the enlarged image is an answer; any other error means that the network refuses the
            # size.
            except Undefined:
                raise
            except Exception:  # the network is made for the given size
                self._terms.clear()
        self._forward(given)

    def _forward(self, shapes: Sequence[tuple[int, ...]]) -> None:
        set_modes(self.subject, batch_statistics=True)
        install(self.subject, torch.clone)
        generator = torch.Generator().manual_seed(self.subject.seed)
        image = [
            torch.randn(shape, generator=generator, dtype=torch.float64, device="cpu").to(tensor.device, tensor.dtype)
            for shape, tensor in zip(shapes, self.subject.inputs, strict=True)
        ]
        with ExitStack() as stack, torch.no_grad():
            for part in self.subject.parts:
                stack.enter_context(part.register_forward_hook(self._see))
                if isinstance(part, BATCH_NORMS):
                    stack.enter_context(part.register_forward_pre_hook(_spare))
            self.subject.module(*image)

    def _see(self, part: nn.Module, _: Any, output: object) -> None:
        first = output[0] if isinstance(output, (tuple, list)) and output else output
        if isinstance(first, torch.Tensor) and first.is_floating_point() and first.ndim > 2 and len(first) == 1:
            channels = first[0].flatten(1)
            if channels.shape[1] > channels.shape[0]:
                if not bool(torch.isfinite(channels).all()):
                    raise Undefined(f"the output of a {type(part).__name__} holds NaN or infinity")
                self._terms.append(_least_eigenvalue(channels.double()))

    def value(self) -> float:
        if not self._terms:
            raise Undefined("no module gives a feature map with more positions than channels")
        return sum(self._terms)


def _enlarged(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:2], *(max(SIDE, side) for side in shape[2:])) if len(shape) == 4 else shape


def _spare(norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Switch a norm to running statistics where there is one value a channel, which torch refuses to normalise."""
    norm.training = inputs[0].numel() > inputs[0].shape[1]


def _least_eigenvalue(channels: torch.Tensor) -> float:
    """The least eigenvalue of the correlations of (C, P) rows, at least 0."""
    centred = channels - channels.mean(dim=1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1)
    # Subtracting its mean from a row of equal numbers leaves rounding errors.
    if bool((norms <= 1e-12 * torch.linalg.vector_norm(channels, dim=1)).any()):
        return 0.0
    unit = centred / norms[:, None]
    return float(torch.linalg.eigvalsh((unit @ unit.T).cpu())[0].clamp(min=0.0))
