"""Fresh weights for the copies that a pass has installed in a module."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from zerocost.proxy import Subject


def draw_weights(subject: Subject, generator: torch.Generator) -> None:
    """Draw the weights of ``subject.module`` anew, in place; call it after ``install`` only, on copies.

    What is drawn depends on the name of a parameter in its module: "bias" becomes 0; "weight" of two or more dimensions
    is drawn from N(0, 2 / fan-in) with the fan-in ``numel / shape[0]`` (He et al. 2015, "Delving deep into rectifiers",
    eq. 10); "weight" of one dimension, the gain of a normalisation, becomes 1. Everything else (slopes of PReLU, scales
    of layers, embeddings of positions, parameters with other names) stays as it is. A shared parameter is drawn once.

    Numbers come from ``generator`` on the CPU in float32, in the order of the module tree, so that they are the same on
    every device and in every precision.
    """
    with torch.no_grad():
        for part, name, parameter in installed(subject):
            _draw(part, name, parameter, generator)


def installed(subject: Subject) -> Iterator[tuple[nn.Module, str, torch.Tensor]]:
    """(module, name in it, tensor) of the floating-point parameters that the module holds now, in the order of the
    module tree.

    A shared parameter comes once, at its first place. What a parametrised weight is made of has the module and the name
    of that weight.
    """
    seen: set[int] = set()
    made = {
        id(parts): (part, name)
        for part in subject.parts
        if is_parametrized(part)
        for name, parts in part.parametrizations.items()  # type: ignore[union-attr, operator]
    }
    for part in subject.parts:
        for name, tensor in part._parameters.items():
            if tensor is not None and tensor.is_floating_point() and id(tensor) not in seen:
                seen.add(id(tensor))
                yield *made.get(id(part), (part, name)), tensor


def _draw(part: nn.Module, name: str, parameter: torch.Tensor, generator: torch.Generator) -> None:
    if "bias" in name:
        parameter.zero_()
    elif "weight" in name and parameter.ndim >= 2:
        fan_in = parameter[0].numel()
        drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float32, device="cpu")
        parameter.copy_(drawn * math.sqrt(2.0 / fan_in))
    elif "weight" in name and not isinstance(part, nn.PReLU):
        parameter.fill_(1.0)
