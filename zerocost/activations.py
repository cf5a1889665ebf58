"""The piecewise linear activations of a forward run: operations with a kink at zero, and their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Name of the primitive operation -> position of its lower bound, None where the kink is at zero in any case.
_KINKED: dict[str, int | None] = {
    "relu": None,
    "leaky_relu": None,
    "_prelu_kernel": None,
    "rrelu_with_noise": None,
    "threshold": 1,
    "hardtanh": 1,
    "clamp": 1,
    "clamp_min": 1,
}


class Activations(TorchDispatchMode):
    """A mode that gives the codes of every counted activation to ``read`` before it runs, so that in-place ones are
    safe.

    Codes are (samples, units) float32, 1 where a unit's input is positive and 0 elsewhere. Counted is every execution
    of a piecewise linear activation with a kink at zero: ReLU, ReLU6, LeakyReLU, PReLU, RReLU, a clamp or threshold at
    zero; as module or function, in place or not, once a call. GELU, SiLU, tanh and the like are not counted, nor are
    activations of tensors whose first dimension is not ``samples``.
    """

    def __init__(self, samples: int, read: Callable[[torch.Tensor], None]) -> None:
        super().__init__()
        self._samples = samples
        self._read = read

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: nothing is compiled here, and with this answer torch's compiler is not imported (seconds). Older
        versions of torch do not ask."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if _is_counted(func) and _kink_at_zero(func, args, kwargs or {}):
            tensor = args[0]
            if tensor.ndim > 0 and tensor.shape[0] == self._samples and tensor.is_floating_point():
                self._read(_codes(tensor.reshape(self._samples, -1)))
        return func(*args, **(kwargs or {}))


def _codes(inputs: torch.Tensor) -> torch.Tensor:
    # Written as numbers directly: a comparison followed by a conversion takes ten times as long.
    codes = torch.empty(inputs.shape, dtype=torch.float32, device=inputs.device)
    return torch.gt(inputs, 0, out=codes)


def _name(operation: Any) -> str:
    name: str = operation.overloadpacket.__name__
    return name.removesuffix("_")


@cache
def _is_counted(operation: Any) -> bool:
    return operation.namespace == "aten" and _name(operation) in _KINKED


def _kink_at_zero(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    position = _KINKED[_name(operation)]
    if position is None:
        return True
    bound = args[position] if len(args) > position else kwargs.get("min")
    return isinstance(bound, (int, float)) and bound == 0
