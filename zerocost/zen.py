"""zen: the sensitivity of the features of a network with Gaussian weights to small changes of a Gaussian input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _NormBase
from torch.overrides import TorchFunctionMode

from zerocost.errors import Undefined
from zerocost.initialisation import installed
from zerocost.passes.network import install, set_modes
from zerocost.proxy import Pass, Proxy, Subject

ALPHA = 0.01
"""Size of the change of the input."""

_SAMPLES = 16
_NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else []))
_BATCH_NORMS = {F.batch_norm, torch.batch_norm}
_MEANS = {torch.mean, torch.Tensor.mean}
_POOLINGS = {
    getattr(F, f"{kind}{dimensions}d")
    for kind in ("adaptive_avg_pool", "adaptive_max_pool", "avg_pool")
    for dimensions in (1, 2, 3)
}
_WATCHED = {F.linear, *_BATCH_NORMS, *_MEANS, *_POOLINGS}


class Zen(Proxy):
    """``log mean_n ||phi(x_n) - phi(x_n + alpha x'_n)||_1 + sum_b log sqrt(mean_c v_bc)`` with fresh Gaussian weights,
    x and x' from N(0, 1), alpha = 0.01, phi the features before the global pooling, and v_bc the variance of channel c
    of the input of batch norm b. Larger is better.

    Source: Lin et al. 2021, "Zen-NAS: a zero-shot NAS for high-performance image recognition", section 3. The distance
    is that of the published code; the paper has the Frobenius norm.

    Fresh means: weights of two or more dimensions are drawn from N(0, 1); biases are 0, gains of normalisation (and
    other parameters of one dimension) 1, slopes of PReLU 1/4; buffers stay. x has the shape of the batch, of at most 16
    samples. Everything is drawn from the seed: the value depends on the form of the network, not on its weights, the
    data and the labels.

    phi is the input of the global pooling that ran last: an average or adaptive pooling to one position, or a mean that
    leaves (N, C) or, of four or more dimensions, (N, C, 1, ...). It is the last one because squeeze and excitation
    pools, too. Without a pooling phi is the input of the linear layer that ran last.

    Deviations: v is the variance over samples and positions in the run on x, by which a norm in training mode divides.
    The published code takes the running variance of new norms after both runs, about ``0.81 + 0.19 v``, which drifts
    with every repeat and leaves little of v where v is small. A norm of constant channels (a dead branch) adds nothing.
    Shortcuts stay; the paper removes them. The network runs in float32 (or in float64, its own type) and, where that
    overflows, in float64.

    Undefined for inputs of whole numbers, without a pooling or linear layer, and where phi does not depend on the input
    (a network cut in two).

    Args:
        subject: The network and the batch, of which only shapes and types are used.
        repeats: Draws that are averaged; 32 in the published code.
    """

    name = "zen"
    needs = Pass.OWN

    def __init__(self, subject: Subject, *, repeats: int = 1) -> None:
        super().__init__(subject)
        if not isinstance(repeats, int) or repeats < 1:
            raise ValueError(f"zen got repeats={repeats!r}; it is a number of draws, 1 or more")
        self._repeats = repeats
        self._scores: list[float] = []

    def run(self) -> None:
        if not all(tensor.is_floating_point() for tensor in self.subject.inputs):
            raise Undefined("it draws its inputs from a Gaussian and needs inputs of floating-point numbers")
        set_modes(self.subject, batch_statistics=True)
        for least in (torch.float32, torch.float64):
            # From the start again: the run in float64 has the same numbers.
            generator = torch.Generator().manual_seed(self.subject.seed)
            self._scores = [self._score(generator, least) for _ in range(self._repeats)]
            if all(map(math.isfinite, self._scores)):
                return
        raise Undefined("with weights from N(0, 1) its features overflow even float64")

    def _score(self, generator: torch.Generator, least: torch.dtype) -> float:
        install(self.subject, lambda tensor: _widened(tensor, least))
        _refresh(self.subject, generator)
        shapes = [(min(len(tensor), _SAMPLES), *tensor.shape[1:]) for tensor in self.subject.inputs]
        inputs, changes = ([_gaussian(shape, generator) for shape in shapes] for _ in range(2))
        clean = self._watched(inputs, least)
        moved = self._watched([x + ALPHA * change for x, change in zip(inputs, changes, strict=True)], least)
        distance = float((clean.features() - moved.features()).abs().sum(dtype=torch.float64)) / len(inputs[0])
        if distance == 0:
            raise Undefined("the features before the global pooling do not depend on the input")
        return math.log(distance) + sum(
            0.5 * math.log(variance) for variance in map(float, clean.variances) if variance != 0
        )

    def _watched(self, inputs: Sequence[torch.Tensor], least: torch.dtype) -> _Watch:
        types = [torch.promote_types(tensor.dtype, least) for tensor in self.subject.inputs]
        with torch.no_grad(), _Watch(len(inputs[0])) as watch:
            self.subject.module(*(x.to(self.subject.device, dtype) for x, dtype in zip(inputs, types, strict=True)))
        return watch

    def value(self) -> float:
        return sum(self._scores) / len(self._scores)


class _Watch(TorchFunctionMode):
    """Keeps the input of the global pooling, or else of the linear layer, that ran last, and the variance of the input
    of each batch norm by the statistics of the batch, averaged over channels."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self._samples = samples
        self._pooled: torch.Tensor | None = None
        self._projected: torch.Tensor | None = None
        self.variances: list[torch.Tensor] = []

    def features(self) -> torch.Tensor:
        found = self._projected if self._pooled is None else self._pooled
        if found is None:
            raise Undefined(
                "it reads the features before the global pooling, and no pooling to one position or linear layer ran"
            )
        return found

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func not in _WATCHED:
            return func(*args, **named)
        source = args[0] if args else named["input"]
        if func in _BATCH_NORMS and (args[5] if len(args) > 5 else named.get("training", False)):
            others = [dim for dim in range(source.ndim) if dim != 1]
            self.variances.append(source.var(dim=others, correction=0).mean(dtype=torch.float64))
        output = func(*args, **named)
        # Copies, because an activation may change the pooled tensor in place.
        if func is F.linear:
            self._projected = source.clone()
        elif self._is_global(func, source, output):
            self._pooled = source.clone()
        return output

    def _is_global(self, func: Any, source: torch.Tensor, output: object) -> bool:
        if not isinstance(output, torch.Tensor) or source.ndim < 3:
            return False
        to_one = output.ndim == source.ndim and all(size == 1 for size in output.shape[2:])
        if func in _POOLINGS:
            return to_one
        if func in _MEANS:
            # A kept last dimension of three is the mean that a norm of tokens takes.
            return (output.ndim == 2 and len(output) == self._samples) or (
                to_one and source.ndim >= 4 and output.shape[1] == source.shape[1]
            )
        return False


def _refresh(subject: Subject, generator: torch.Generator) -> None:
    """Fills the parameters that are installed in the module."""
    for part, name, tensor in installed(subject):
        if tensor.ndim >= 2 and not isinstance(part, _NORMS):
            tensor.copy_(_gaussian(tensor.shape, generator))
        elif isinstance(part, nn.PReLU):
            tensor.fill_(0.25)
        else:
            tensor.fill_(0.0 if "bias" in name else 1.0)


def _gaussian(shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
    """N(0, 1), the same numbers for every type and device that they are moved to."""
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float64, device="cpu")


def _widened(tensor: torch.Tensor, least: torch.dtype) -> torch.Tensor:
    dtype = torch.promote_types(tensor.dtype, least) if tensor.is_floating_point() else tensor.dtype
    return tensor.to(dtype, copy=True)
