"""l2_norm: the norms of the weights that a forward run uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from zerocost.errors import Undefined
from zerocost.proxy import Pass, Proxy, Subject


class L2Norm(Proxy):
    """``sum_l ||W_l||_2`` over the weights of two or more dimensions that a forward run of one sample uses. Larger is better.

    Source: Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS", section 3.2: the sum of the layers' norms. With the
    initialisation of torch a norm is about the root of a third of the output channels, so that this counts layers.
    Deviations: weights that no operation touches do not count, those of recurrent layers and embeddings do.
    """

    name = "l2_norm"
    needs = Pass.SAMPLE

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._touched = _Touched()
        self._places: list[int] = []

    def watch(self) -> AbstractContextManager[_Touched]:
        # Read now, because the pass has installed copies by the time the forward run starts.
        self._places = [_place(tensor) for tensor in self.subject.module.parameters()]
        return self._touched

    def value(self) -> float:
        norms = [
            torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64)
            for tensor, place in zip(self.subject.parameters, self._places, strict=True)
            if tensor.ndim >= 2 and tensor.is_floating_point() and place in self._touched.places
        ]
        if not norms:
            raise Undefined("the network uses no weight of two or more dimensions")
        return float(torch.stack(norms).sum())


class _Touched(TorchDispatchMode):
    """Records the memory of the tensors that operations are given."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """See :class:`zerocost.activations.Activations`."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.places.update(_place(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor))
        return func(*args, **(kwargs or {}))


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
