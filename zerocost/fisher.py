"""fisher: the sensitivity of the loss to the removal of whole channels."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.utils._python_dispatch import TorchDispatchMode

from zerocost.errors import Undefined
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject


class Fisher(Proxy):
    """``sum_l sum_c F_l * 1/2 mean_n (sum_p z_ncp * dL/dz_ncp)^2`` with z the output of convolution or linear layer l, channel c,
    positions p (pixels, or tokens of a linear layer), and F_l the number of weights behind a channel. Larger is better.

    Source: Theis et al. 2018, "Faster gaze prediction with dense networks and Fisher pruning", eq. 12; Turner et al. 2020,
    "BlockSwap", eq. 3; summed to a score by Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS", whose code
    gives a channel's value to every weight behind it, hence F_l.

    Every execution of an ``nn.Conv*d``, ``nn.ConvTranspose*d`` or ``nn.Linear`` counts whose output has the batch as its first
    dimension, but for layers whose output no gradient reaches. Deviation: the published code keeps only the last
    execution of a layer that is used twice, and takes the tokens of a linear layer for channels.

    Proportional to 1/N^2, as dL/dz is: compare equal batch sizes only. Not 0 for a network that is cut in two, because the
    classifier's bias has a gradient.
    """

    name = "fisher"
    needs = Pass.BATCH
    reads = frozenset({BackwardRun.LOSS})

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._outputs = _Outputs()
        self._terms: list[torch.Tensor] = []
        self._differentiated = False

    @contextmanager
    def watch(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self._outputs)
            for part in self.subject.parts:
                if isinstance(part, (_ConvNd, nn.Linear)):
                    stack.enter_context(part.register_forward_hook(self._see))
            yield

    def _see(self, layer: nn.Module, _: Any, output: torch.Tensor) -> torch.Tensor | None:
        if not isinstance(output, torch.Tensor) or not output.requires_grad:
            return None
        if output.ndim < 2 or output.shape[0] != self.subject.batch:
            return None
        # An in-place operation on a view gives it a new history, and hooks of the old one are no longer called.
        seen = output.clone() if output._is_view() else output
        channel = seen.ndim - 1 if isinstance(layer, nn.Linear) else 1
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        fan = weight.numel() // seen.shape[channel]
        seen.register_hook(partial(self._read, self._outputs.keep(seen), channel, fan))
        return seen

    def _read(self, kept: _Kept, channel: int, fan: int, gradient: torch.Tensor | None) -> None:
        # Later backward runs of the pass call the hooks again; only the loss's gradient counts. None: nothing comes back here.
        if kept.tensor is None or self._differentiated or gradient is None:
            return
        positions = [dim for dim in range(1, gradient.ndim) if dim != channel]
        product = kept.tensor * _at_least_single(gradient)
        felt = product.sum(dim=positions) if positions else product  # in float64 it takes as long as a backward run
        self._terms.append(0.5 * fan * felt.double().square().mean(dim=0).sum())
        kept.tensor = None

    def differentiated(self) -> None:
        self._differentiated = True

    def value(self) -> float:
        if not self._terms:
            raise Undefined(
                "no gradient reaches the output of a convolution or linear layer whose first dimension is the batch of "
                f"{self.subject.batch}"
            )
        return float(torch.stack(self._terms).sum())


class _Kept:
    """The value of a tensor at the time when it was kept; None once it was read."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor: torch.Tensor | None = tensor


class _Outputs(TorchDispatchMode):
    """Keeps outputs without copying them: one is copied only when an operation is about to change it in place."""

    def __init__(self) -> None:
        super().__init__()
        self._by_storage: dict[int, list[weakref.ref[_Kept]]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """See :class:`zerocost.activations.Activations`."""
        return False

    def keep(self, output: torch.Tensor) -> _Kept:
        kept = _Kept(output.detach())
        self._by_storage.setdefault(_place(output), []).append(weakref.ref(kept))
        return kept

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        for given in (args[position] for position in _written(func) if position < len(args)):
            if isinstance(given, torch.Tensor):
                self._copy(_place(given))
        return func(*args, **(kwargs or {}))

    def _copy(self, place: int) -> None:
        for reference in self._by_storage.pop(place, ()):
            kept = reference()
            if kept is not None and kept.tensor is not None:
                kept.tensor = kept.tensor.clone()


@cache
def _written(operation: Any) -> tuple[int, ...]:
    """Positions of the arguments that an operation changes."""
    return tuple(place for place, argument in enumerate(operation._schema.arguments) if argument.is_write)


def _at_least_single(tensor: torch.Tensor) -> torch.Tensor:
    """``tensor`` in float32 or better: products of two half-precision numbers may be too small for their type."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
