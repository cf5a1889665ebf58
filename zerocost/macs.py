"""macs: multiply-accumulates of one sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from zerocost.proxy import Pass, Proxy, Subject


class Macs(Proxy):
    """Multiply-accumulates of one forward pass of one sample. Larger is better. Unit: MAC.

    Half of what ``torch.utils.flop_counter`` counts, which is two operations a multiply-accumulate, over convolutions and
    matrix products whether they come from modules or from functional calls, fused attention and LSTM kernels included. Deviation:
    counters based on module hooks (the "FLOPs" of NAS-Bench-201 are such MACs) add terms for bias, batch norm and pooling;
    these count nothing here.
    """

    name = "macs"
    needs = Pass.SAMPLE

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._counter = FlopCounterMode(display=False, custom_mapping=_fused_kernels())

    def watch(self) -> AbstractContextManager[FlopCounterMode]:
        return self._counter

    def value(self) -> float:
        # The counter counts a multiply-accumulate as two operations.
        return float(self._counter.get_total_flops() // 2)


def _fused_kernels() -> dict[Any, Any]:
    """Counts for the fused kernels that the counter of some versions of torch does not know."""
    known = {
        "mkldnn_rnn_layer": _two_matrices,
        "_cudnn_rnn": _matrix_list,
        "_scaled_dot_product_flash_attention_for_cpu": _attention,
    }
    missing = {getattr(torch.ops.aten, name): count for name, count in known.items() if hasattr(torch.ops.aten, name)}
    return {operation: count for operation, count in missing.items() if operation not in flop_registry}


def _attention(query: Sequence[int], key: Sequence[int], value: Sequence[int], *args: Any, **kwargs: Any) -> int:
    """Shapes (samples, heads, tokens, width): every query is multiplied with every key, and every weight with every value."""
    samples, heads, tokens, width = query
    return 2 * samples * heads * tokens * key[-2] * (width + value[-1])


def _two_matrices(steps: Sequence[int], first: Sequence[int], second: Sequence[int], *args: Any, **kwargs: Any) -> int:
    return _matrix_list(steps, [first, second])


def _matrix_list(steps: Sequence[int], weights: Sequence[Sequence[int]], *args: Any, **kwargs: Any) -> int:
    """Each weight matrix is applied to every step of every sample."""
    return 2 * math.prod(steps[:-1]) * sum(math.prod(shape) for shape in weights if len(shape) == 2)
