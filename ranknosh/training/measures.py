"""What a network costs before it is trained: weights, multiply-accumulates, memory and latency of inference."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.signature import Signature
from ranknosh.training.surroundings import give_back_memory, surroundings

Make = Callable[[], nn.Module]
WARM_UP = 5
"""Passes that are not timed: the first ones choose algorithms and fill caches."""


class Sizes(NamedTuple):
    """``memory``: bytes of :func:`peak_memory`."""

    params: int
    macs: int
    memory: int


class Live(TorchDispatchMode):
    """Follows the bytes of tensors that are alive: ``now``, and the most there were at once since the start, ``peak``.

    Every storage that an operation gives is counted once, until nothing refers to it. Buffers that a kernel takes and gives back
    inside one operation are not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self.see, result)
        return result

    def see(self, tensor: Tensor) -> None:
        """Count a tensor's storage, where it is a new one."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def blank(signature: Signature, batch: int, device: torch.device) -> Tensor:
    """(batch, *inputs) zeros, as a network reads them."""
    return torch.zeros((batch, *signature.inputs), dtype=getattr(torch, signature.dtype), device=device)


def peak_memory(network: nn.Module, signature: Signature, batch: int = 1) -> int:
    """Bytes alive at once in a forward pass without gradients: weights, buffers, inputs and what is computed.

    By following every tensor of an eager pass (:class:`Live`), so that it is exact for that, equal on every machine, and known
    on the meta device too. What libraries take inside an operation comes on top.

    Args:
        network: in evaluation mode.
        signature: what it reads.
        batch: inputs at a time.
    """
    device = next(network.parameters()).device
    with Live() as live, torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            live.see(tensor)
        inputs = blank(signature, batch, device)
        live.see(inputs)
        network(inputs)
    return live.peak


def sizes(make: Make, signature: Signature, batch: int = 1) -> Sizes:
    """What can be counted of a network without computing anything: it is built on the meta device, and for real only where it
    cannot be built or run there.

    Args:
        make: builds it.
        signature: what it reads.
        batch: inputs at a time, for the memory; multiply-accumulates are those of one.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                return _sizes(make(), signature, batch)
        except (NotImplementedError, RuntimeError):  # an operation that needs values
            return _sizes(make(), signature, batch)


def _sizes(network: nn.Module, signature: Signature, batch: int) -> Sizes:
    network.eval()
    macs = count_macs(network, signature.inputs, signature.dtype)
    return Sizes(count_params(network), macs, peak_memory(network, signature, batch))


def latency(
    make: Make,
    signature: Signature,
    device: torch.device,
    *,
    batch: int = 1,
    threads: int = 1,
    repeats: int = 30,
) -> float:
    """Seconds of a forward pass without gradients: the median of several after a warm-up.

    Args:
        make: builds the network.
        signature: what it reads.
        device: where it runs; the clock waits for it.
        batch: inputs at a time.
        threads: of the CPU.
        repeats: timed passes.
    """
    with surroundings(threads, device), torch.inference_mode():
        network, inputs = make().to(device).eval(), blank(signature, batch, device)
        times = []
        for number in range(WARM_UP + repeats):
            began = time.perf_counter()
            network(inputs)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number >= WARM_UP:
                times.append(time.perf_counter() - began)
    return median(times)


def allocated_memory(make: Make, signature: Signature, device: torch.device, batch: int = 1) -> int:
    """Bytes that the CUDA allocator held at once in a forward pass without gradients, what libraries take included.

    Args:
        make: builds the network.
        signature: what it reads.
        device: a CUDA device.
        batch: inputs at a time.
    """
    give_back_memory(device)
    before = torch.cuda.memory_allocated(device)
    with surroundings(torch.get_num_threads(), device), torch.inference_mode():
        network, inputs = make().to(device).eval(), blank(signature, batch, device)
        torch.cuda.reset_peak_memory_stats(device)
        network(inputs)
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
