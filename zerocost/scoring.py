"""The runner: plans the passes that the asked proxies need, runs each once, and turns errors into reasons."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from zerocost.catalog import find
from zerocost.errors import Undefined
from zerocost.passes import RUN
from zerocost.proxy import Loss, Pass, Proxy, Subject
from zerocost.result import Score, Scores
from zerocost.state import preserved


def score(
    module: nn.Module,
    inputs: torch.Tensor | Sequence[torch.Tensor],
    targets: torch.Tensor | None = None,
    loss: Loss | None = None,
    proxies: str | Sequence[str] = ("synflow", "nwot"),
) -> Scores:
    """Scores ``module`` as it is (untrained, as a rule) without training it.

    inputs: what the module is called with, a tensor or a sequence of them; dimension 0 is the batch. targets, loss:
    labels (N, ...) and ``loss(outputs, targets)`` for proxies that need them. proxies: names out of ``zerocost.PROXIES``.

    Every proxy has a finite value or a reason, also where the network raises. Nothing of the caller's changes: weights,
    buffers, gradients, modes, hooks, inputs, random generators, global switches. Module and inputs stay on their device.

    Raises UnknownProxy (a ValueError) for a name that is not known, TypeError or ValueError for a module or inputs
    that are none.
    """
    kinds = find(proxies)
    subject = _subject(module, inputs, targets, loss)
    why = _unfit(subject)
    if why is not None:
        return Scores({name: Score(None, kind.direction, 0.0, why) for name, kind in kinds.items()})
    found: dict[str, Score] = {}
    for needed in Pass:
        members = {name: kind for name, kind in kinds.items() if kind.needs is needed}
        if members:
            found |= _score_pass(needed, members, subject)
    return Scores({name: found[name] for name in kinds})


def _unfit(subject: Subject) -> str | None:
    if any(is_lazy(tensor) for tensor in subject.tensors()):
        return "the network has lazy parameters that no forward pass has given a shape yet"
    if any(isinstance(part, torch.jit.ScriptModule) for part in subject.parts):
        return "the network holds a TorchScript module, whose weights cannot be replaced by copies; score it unscripted"
    return None


def _score_pass(needed: Pass, kinds: dict[str, type[Proxy]], subject: Subject) -> dict[str, Score]:
    """The scores of all proxies of one pass. Where the shared run fails each one gets a run of its own."""
    started = time.perf_counter()
    proxies = {name: kind(subject) for name, kind in kinds.items()}
    try:
        with preserved(subject.parts, subject.tensors()):
            RUN[needed](subject, list(proxies.values()))
    except Exception as error:  # whatever the caller's network raises
        if len(kinds) > 1:
            return {n: s for name, kind in kinds.items() for n, s in _score_pass(needed, {name: kind}, subject).items()}
        seconds = time.perf_counter() - started
        return {name: Score(None, kind.direction, seconds, _reason(error)) for name, kind in kinds.items()}
    share = (time.perf_counter() - started) / len(proxies)
    return {name: _value(proxy, share) for name, proxy in proxies.items()}


def _value(proxy: Proxy, share: float) -> Score:
    started = time.perf_counter()
    value: float | None = None
    reason: str | None = None
    try:
        value = float(proxy.value())
        if not math.isfinite(value):
            value, reason = None, f"the value is {value}"
    except Exception as error:
        reason = _reason(error)
    return Score(value, proxy.direction, share + time.perf_counter() - started, reason)


def _reason(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return first if isinstance(error, Undefined) else f"{type(error).__name__}: {first}"


def _subject(
    module: nn.Module, inputs: torch.Tensor | Sequence[torch.Tensor], targets: torch.Tensor | None, loss: Loss | None
) -> Subject:
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    tensors = (inputs,) if isinstance(inputs, torch.Tensor) else tuple(inputs)
    if not tensors or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise TypeError("inputs must be a tensor or a non-empty sequence of tensors")
    sizes = {int(tensor.shape[0]) if tensor.ndim else 0 for tensor in tensors}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"dimension 0 of every input is the batch and must be the same and not empty, got {sorted(sizes)}"
        )
    return Subject.of(module, tensors, targets, loss)
