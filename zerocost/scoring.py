"""The runner: it plans the passes that the requested proxies need, runs each once, and turns errors into reasons."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils.checkpoint import CheckpointError

from zerocost.catalog import find
from zerocost.errors import Undefined
from zerocost.passes import run
from zerocost.proxy import BackwardRun, Loss, Pass, Proxy, Subject
from zerocost.result import Score, Scores
from zerocost.state import preserved

_FOREIGN = (Exception, SystemExit)
"""What the caller's network may raise; ``sys.exit()`` in it must not end the process that scores."""
NO_TARGETS = "it needs targets: give the labels of the batch"


def score(
    module: nn.Module,
    inputs: torch.Tensor | Sequence[torch.Tensor],
    targets: torch.Tensor | None = None,
    loss: Loss | None = None,
    proxies: str | Sequence[str] = ("synflow", "nwot"),
    *,
    seed: int = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Scores:
    """Score a network, untrained as a rule, without training it.

    Every proxy gets a finite value or a reason, also where the network raises. Nothing of the caller's changes:
    weights, buffers, gradients, modes, hooks, inputs, random generators, global switches. Module and inputs stay on
    their device. Proxies that read the same pass share it, and a value does not depend on which others are requested.

    Args:
        module: The network, with the weights that it has.
        inputs: What the network is called with, a tensor or a sequence of them; dimension 0 is the batch.
        targets: Labels (N, ...) for proxies that need them.
        loss: ``loss(outputs, targets)``; None for the mean cross-entropy.
        proxies: Names from ``zerocost.PROXIES``.
        seed: Of the weights, images and directions that proxies draw.
        options: Keyword arguments of single proxies by name, as in ``{"swap_reg": {"mu": 800.0, "sigma": 4e5}}``.

    Returns:
        The scores by name, in the requested order; each has its direction.

    Raises:
        UnknownProxy: A name is unknown (it is a ValueError, too).
        TypeError: ``module``, ``inputs`` or ``targets`` have the wrong type.
        ValueError: The inputs have no common batch, or an option is unknown or out of range.
    """
    kinds = find(proxies)
    find(tuple(options or ()))
    made = {name: _maker(name, kind, (options or {}).get(name, {})) for name, kind in kinds.items()}
    subject = _subject(module, inputs, targets, loss, seed)
    why = _unfit(subject)
    if why is not None:
        return Scores({name: Score(None, kind.direction, 0.0, why) for name, kind in kinds.items()})
    # Refused one by one: proxies without need of labels still share their passes.
    unlabelled = [name for name, kind in kinds.items() if targets is None and BackwardRun.LOSS in kind.reads]
    found = {name: Score(None, kinds[name].direction, 0.0, NO_TARGETS) for name in unlabelled}
    for needed in Pass:
        members = {name: made[name] for name, kind in kinds.items() if kind.needs is needed and name not in found}
        # Proxies that share nothing run one by one, so that each is charged its own time.
        groups = [{name: make} for name, make in members.items()] if needed is Pass.OWN else [members]
        for group in groups:
            if group:
                found |= _score_pass(needed, group, subject)
    return Scores({name: found[name] for name in kinds})


def _maker(name: str, kind: type[Proxy], options: Mapping[str, Any]) -> Callable[[Subject], Proxy]:
    known = list(inspect.signature(kind).parameters)[1:]
    unknown = sorted(set(options) - set(known))
    if unknown:
        takes = f"it takes {', '.join(known)}" if known else "it takes none"
        raise ValueError(f"the proxy {name} has no option {', '.join(unknown)}; {takes}")
    return partial(kind, **options)


def _unfit(subject: Subject) -> str | None:
    if any(is_lazy(tensor) for tensor in subject.tensors()):
        return "the network has lazy parameters that no forward pass has given a shape yet"
    if any(isinstance(part, torch.jit.ScriptModule) for part in subject.parts):
        return "the network holds a TorchScript module, whose weights cannot be replaced by copies; score it unscripted"
    return None


def _score_pass(needed: Pass, kinds: dict[str, Callable[[Subject], Proxy]], subject: Subject) -> dict[str, Score]:
    """The scores of all proxies of one pass. Where the shared run fails each one gets a run of its own."""
    started = time.perf_counter()
    # Tensors made in inference mode cannot take part in autograd later.
    with torch.inference_mode(mode=False):
        proxies = {name: make(subject) for name, make in kinds.items()}
    try:
        with preserved(subject.parts, subject.tensors()):
            run(needed, subject, list(proxies.values()))
            _finish_kernels(subject)
            share = (time.perf_counter() - started) / len(proxies)
            return {name: _value(proxy, share) for name, proxy in proxies.items()}
    except _FOREIGN as error:  # whatever the caller's network raises
        reason = _reason(error)
    # Outside of the handler: the error's traceback keeps the graph of the failed run in memory.
    if len(kinds) > 1:
        return {n: s for name, make in kinds.items() for n, s in _score_pass(needed, {name: make}, subject).items()}
    seconds = time.perf_counter() - started
    return {name: Score(None, proxy.direction, seconds, reason) for name, proxy in proxies.items()}


def _finish_kernels(subject: Subject) -> None:
    """Wait for the GPU's work, so that its time is charged to the pass that asked for it."""
    if subject.device.type == "cuda":
        torch.cuda.synchronize(subject.device)


def _value(proxy: Proxy, share: float) -> Score:
    started = time.perf_counter()
    value: float | None = None
    reason: str | None = None
    try:
        value = float(proxy.value())
        if not math.isfinite(value):
            value, reason = None, f"the value is {value}"
    except _FOREIGN as error:
        reason = _reason(error)
    return Score(value, proxy.direction, share + time.perf_counter() - started, reason)


def _reason(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, CheckpointError):
        return (
            "the network runs parts of it again while gradients are computed (torch.utils.checkpoint), where its normalisation "
            "is not what it was for this proxy; turn checkpoints off to score it"
        )
    return first if isinstance(error, Undefined) else f"{type(error).__name__}: {first}"


def _subject(
    module: nn.Module,
    inputs: torch.Tensor | Sequence[torch.Tensor],
    targets: torch.Tensor | None,
    loss: Loss | None,
    seed: int,
) -> Subject:
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    tensors = (inputs,) if isinstance(inputs, torch.Tensor) else tuple(inputs)
    if not tensors or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise TypeError("inputs must be a tensor or a non-empty sequence of tensors")
    if targets is not None and not isinstance(targets, torch.Tensor):
        raise TypeError(f"targets must be a tensor, got {type(targets).__name__}")
    sizes = {int(tensor.shape[0]) if tensor.ndim else 0 for tensor in tensors}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(
            f"dimension 0 of every input is the batch and must be the same and not empty, got {sorted(sizes)}"
        )
    return Subject.of(module, tensors, targets, loss, seed)
