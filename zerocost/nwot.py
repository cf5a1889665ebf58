"""nwot: how differently the activations of an untrained network code the samples of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject

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
# float32 sums of ones are exact below 2**24, so a block of units this wide loses nothing.
_BLOCK = 2**23


class Nwot(Proxy):
    """``log det K`` where ``K[i, j]`` is the number of activation units on which samples i and j agree. Larger is better.

    Source: Mellor et al. 2021, "Neural architecture search without training", section 3. A unit's code is 1 where its input
    is positive; ``K = sum (b b^T + (1-b)(1-b)^T) = V - a_i - a_j + 2 b b^T`` with V units, a_i of them active for sample i.
    Products are exact integers; they are added up and the log-determinant is taken in float64. ``value <= N log V``.

    Counted is every execution of a piecewise linear activation with a kink at zero: ReLU, ReLU6, LeakyReLU, PReLU, RReLU, a
    clamp or threshold at zero; as module or function, in place or not, once per call. GELU, SiLU, tanh and the like are not,
    nor activations of tensors whose first dimension is not the batch. Deviation: the published code hooks modules whose class
    name contains "ReLU", so that functional calls are missed.

    Undefined where no such activation ran, or where K is singular (samples that the network cannot tell apart).
    Scores of different batch sizes cannot be compared.
    """

    name = "nwot"
    needs = Pass.BATCH

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._units = 0
        self._common: list[torch.Tensor] = []

    def watch(self) -> AbstractContextManager[Any]:
        return _Activations(self._read)

    def _read(self, tensor: torch.Tensor) -> None:
        samples = self.subject.batch
        if tensor.ndim == 0 or tensor.shape[0] != samples or not tensor.is_floating_point():
            return
        codes = (tensor > 0).reshape(samples, -1)
        for block in codes.split(_BLOCK, dim=1):
            active = block.to(torch.float32)
            self._common.append(active @ active.T)
            self._units += active.shape[1]

    def value(self) -> float:
        if self._units == 0:
            raise Undefined(
                "no ReLU-like activation (kink at zero) ran on a tensor whose first dimension is the batch of "
                f"{self.subject.batch}"
            )
        common = torch.stack(self._common).cpu().double().sum(dim=0)
        active = common.diagonal()
        kernel = self._units - active[:, None] - active[None, :] + 2 * common
        rank = int(torch.linalg.matrix_rank(kernel, hermitian=True))
        if rank < self.subject.batch:
            raise Undefined(
                f"the code kernel of {self.subject.batch} samples has rank {rank}: the activations do not tell all samples apart"
            )
        return float(torch.linalg.slogdet(kernel).logabsdet)


class _Activations(TorchDispatchMode):
    """Hands the input of every counted activation to ``read`` before the activation runs, so that in-place ones are safe."""

    def __init__(self, read: Callable[[torch.Tensor], None]) -> None:
        super().__init__()
        self._read = read

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here: saying so spares a process the import of torch's compiler (seconds). Older versions of
        torch do not ask."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if _is_counted(func) and _kink_at_zero(func, args, kwargs or {}):
            self._read(args[0])
        return func(*args, **(kwargs or {}))


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
