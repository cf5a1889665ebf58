"""Scoring leaves no trace: everything that a forward pass could change is saved before and restored after, errors
included."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def preserved(parts: Iterable[nn.Module], tensors: Iterable[torch.Tensor]) -> Iterator[None]:
    """A context in which a pass runs; when it ends, the caller's state is as it was.

    Covered are training modes, hooks, parameters and buffers and every other attribute of ``parts``, down to the
    entries of their dictionaries, lists and sets; the random generators of torch on every device of ``tensors``, of
    Python and of numpy; the switch for fused transformer layers, which would hide activations and products; and on CUDA
    those for TF32, which keeps three digits of a product. Autocast and inference mode are off inside. The numbers
    inside tensors are not saved: passes put copies in their place (``passes``).
    """
    devices = {tensor.device for tensor in tensors}
    with ExitStack() as stack:
        stack.enter_context(_attributes(parts))
        stack.enter_context(_python_generators())
        stack.enter_context(torch.random.fork_rng(devices=_indices(devices)))
        stack.enter_context(_unfused_attention())
        stack.enter_context(torch.inference_mode(mode=False))
        if any(device.type == "cuda" for device in devices):
            stack.enter_context(_full_precision())
        for kind in sorted({device.type for device in devices} - {"meta"}):
            stack.enter_context(torch.autocast(device_type=kind, enabled=False))
        yield


def _indices(devices: Iterable[torch.device]) -> list[int]:
    cuda = [device for device in devices if device.type == "cuda"]
    return sorted({torch.cuda.current_device() if device.index is None else device.index for device in cuda})


@contextmanager
def _attributes(parts: Iterable[nn.Module]) -> Iterator[None]:
    saved = [(part, dict(vars(part)), _containers(vars(part))) for part in parts]
    try:
        yield
    finally:
        for part, attributes, contents in saved:
            for container, before in contents:
                _refill(container, before)
            here = vars(part)
            for name in here.keys() - attributes.keys():
                del here[name]
            here.update(attributes)


def _containers(attributes: dict[str, Any]) -> list[tuple[Any, Any]]:
    """The containers among some attributes with a copy of each; most are empty (hooks) and need none."""
    return [
        (value, value.copy() if value else ()) for value in attributes.values() if isinstance(value, (dict, list, set))
    ]


def _refill(container: Any, before: Any) -> None:
    if container or before:
        container.clear()
    if before:
        container.extend(before) if isinstance(container, list) else container.update(before)


@contextmanager
def _python_generators() -> Iterator[None]:
    python = random.getstate()
    numpy_random = sys.modules.get("numpy.random")
    state = None if numpy_random is None else numpy_random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        if numpy_random is not None:
            numpy_random.set_state(state)


@contextmanager
def _unfused_attention() -> Iterator[None]:
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


@contextmanager
def _full_precision() -> Iterator[None]:
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    try:
        before = [switch.allow_tf32 for switch in switches]
    except RuntimeError:  # set by layer or operation, which these switches cannot express: the caller's choice is kept
        yield
        return
    try:
        for switch in switches:
            switch.allow_tf32 = False
        yield
    finally:
        for switch, allowed in zip(switches, before, strict=True):
            switch.allow_tf32 = allowed
