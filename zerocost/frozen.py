"""Statistics of a batch held fixed: batch norm becomes a map of each sample by itself, so that no sample influences
another.

Instance, group and layer norm use one sample at a time and need nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from zerocost.errors import Undefined

Moments: TypeAlias = tuple[torch.Tensor, torch.Tensor]

_ARGUMENTS: dict[Any, tuple[str, ...]] = {
    F.batch_norm: ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    torch.batch_norm: ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps"),
}
# Outputs may differ by this share of the largest one: far above rounding, far below the effect of mixing samples.
_SHARE = 0.01


class BatchStatistics:
    """Mean and biased variance of every batch norm of one forward run, in the order of the calls.

    Run the whole batch inside :meth:`recording`, then any points inside :meth:`held`: every call gets the moments of
    its counterpart as constants, so that points are normalised as the batch was and no gradient passes through the
    moments. Counted are calls of ``F.batch_norm`` (all batch norm modules make one) or ``torch.batch_norm`` that
    normalise by the batch. A call whose tensor has no leading dimension of samples (weights that are standardised) is
    left alone.
    """

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._moments: list[Moments | None] = []

    @contextmanager
    def recording(self) -> Iterator[None]:
        """A context for the forward run of the batch.

        Raises:
            Undefined: A channel has a single value.
        """
        with _BatchNorms(self._record):
            yield

    @contextmanager
    def held(self) -> Iterator[None]:
        """A context for one forward run of any number of points.

        Raises:
            Undefined: The run makes more or fewer batch norm calls than the batch did.
        """
        calls = 0

        def moments(tensor: torch.Tensor) -> Moments | None:
            nonlocal calls
            calls += 1
            if calls > len(self._moments):
                raise Undefined(self._other_calls("more"))
            return self._moments[calls - 1]

        with _BatchNorms(moments):
            yield
        if calls < len(self._moments):
            raise Undefined(self._other_calls(f"{calls}"))

    def _record(self, tensor: torch.Tensor) -> Moments | None:
        found: Moments | None = None
        # A multiple: tokens or views of a sample may be folded into the first dimension.
        if tensor.shape[0] % self._samples == 0:
            if tensor.numel() <= tensor.shape[1]:
                raise Undefined(
                    f"batch norm sees a single value a channel in a batch of {self._samples}: there is nothing to "
                    "normalise; give a larger batch"
                )
            detached = tensor.detach()
            variance, mean = torch.var_mean(detached, [d for d in range(tensor.ndim) if d != 1], correction=0)
            found = (mean, variance)
        self._moments.append(found)
        return found

    def _other_calls(self, made: str) -> str:
        return (
            f"the network runs batch norm {len(self._moments)} times on the batch and {made} times on other points: their "
            "statistics cannot be held fixed"
        )


class _BatchNorms(TorchFunctionMode):
    """Runs each batch norm that would normalise by its batch with the moments that ``moments`` gives for its input;
    None leaves it as it is."""

    def __init__(self, moments: Callable[[torch.Tensor], Moments | None]) -> None:
        super().__init__()
        self._moments = moments

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in _ARGUMENTS:
            given = {**dict(zip(_ARGUMENTS[func], args, strict=False)), **named}
            moments = self._moments(given["input"]) if given.get("training", False) else None
            if moments is not None:
                return _normalised(given, *moments)
        return func(*args, **named)


def _normalised(given: Mapping[str, Any], mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    weight, bias = given.get("weight"), given.get("bias")
    dtype = given["input"].dtype if weight is None else weight.dtype
    return F.batch_norm(
        given["input"], mean.to(dtype), variance.to(dtype), weight, bias, training=False, eps=given.get("eps", 1e-5)
    )


def check_alone(alone: torch.Tensor, within: torch.Tensor, scale: torch.Tensor) -> None:
    """Check that samples by themselves have the outputs that they have within the batch, up to rounding.

    This finds networks that mix samples by other means than batch norm, draw random numbers, or remember earlier
    inputs.

    Args:
        alone: Outputs of samples run by themselves, (n, ...).
        within: Outputs of the same samples within the batch, (n, ...).
        scale: The largest absolute output of the batch, a scalar tensor.

    Raises:
        Undefined: An output differs by more than 1 % of ``scale`` (more in half precision).
    """
    share = max(_SHARE, 32 * torch.finfo(within.dtype).eps)
    if alone.shape != within.shape or bool(((alone - within).abs() > share * scale).any()):
        raise Undefined(
            "a sample by itself has other outputs than within its batch, batch norm held fixed: the network mixes samples "
            "in another way, draws random numbers or remembers what it has seen"
        )
