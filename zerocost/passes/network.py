"""The building blocks of passes: modes, copies of weights in the module, an observed forward run, the loss."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import CheckpointFunction

from zerocost.errors import Undefined
from zerocost.proxy import Proxy, Subject

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_BATCH_STATISTICS = (*BATCH_NORMS, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
Copies = dict[int, torch.Tensor]
_IGNORED = -100
"""The class that the cross-entropy leaves out."""
_HIDDEN = "the network uses re-entrant checkpoints, which hide weights from the graph; turn checkpoints off to score it"
NO_WEIGHT = "the loss does not depend on any trainable weight"


def set_modes(subject: Subject, *, batch_statistics: bool) -> None:
    """Evaluation mode, except for normalisation by the statistics of the batch where ``batch_statistics`` asks for it.

    Recurrent layers are then in training mode, too, without their dropout: cuDNN has no backward run in evaluation
    mode.
    """
    # Attribute by attribute: calling train() would run the caller's own overrides of it.
    for part in subject.parts:
        training = batch_statistics and isinstance(part, (*_BATCH_STATISTICS, nn.RNNBase))
        if part.training != training:
            part.training = training
        if training and isinstance(part, nn.RNNBase):
            part.dropout = 0.0


def install(subject: Subject, copy: Callable[[torch.Tensor], torch.Tensor]) -> Copies:
    """Put copies of all parameters and buffers into the module.

    A shared tensor has one copy, shared as well. ``state.preserved`` brings the originals back.

    Returns:
        The copies by the id of their original.
    """
    # By identity, so that a tensor at several places gets one copy.
    originals = {id(slot.tensor): slot.tensor for slot in subject.slots}
    copies = {key: copy(tensor.detach()) for key, tensor in originals.items()}
    for holder, name, tensor in subject.slots:
        holder[name] = copies[id(tensor)]
    return copies


def trainable(subject: Subject, copies: Copies) -> list[torch.Tensor]:
    """The installed copies of the parameters that require a gradient, set to require one."""
    return [copies[id(p)].requires_grad_(True) for p in subject.parameters if p.requires_grad]


def input_copies(subject: Subject) -> list[torch.Tensor]:
    """Copies of the inputs, which a network may change in place."""
    return [tensor.detach().clone() for tensor in subject.inputs]


def watched(subject: Subject, inputs: Sequence[torch.Tensor], proxies: Iterable[Proxy]) -> object:
    """What the network returns from one forward run that every proxy observes; :func:`first_tensor` finds the tensor in it.

    Args:
        subject: The network.
        inputs: What it is called with.
        proxies: Their ``watch`` contexts are held during the run.
    """
    with ExitStack() as watching:
        for proxy in proxies:
            watching.enter_context(proxy.watch())
        return subject.module(*inputs)


def forward(subject: Subject, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """The first output of one forward run.

    Raises:
        Undefined: It is no tensor.
    """
    return first_tensor(subject.module(*inputs))


def tensor_in(outputs: object) -> torch.Tensor | None:
    """The tensor that stands for what a network returns, None where that is not plain.

    The tensor itself; the first of a tuple or list; of a mapping, a dataclass or another object with fields the one called
    ``logits``, else ``out``, else the only tensor.
    """
    if isinstance(outputs, torch.Tensor):
        return outputs
    if isinstance(outputs, (tuple, list)):
        return outputs[0] if outputs and isinstance(outputs[0], torch.Tensor) else None
    tensors = {name: field for name, field in _fields(outputs).items() if isinstance(field, torch.Tensor)}
    named = [tensors[name] for name in ("logits", "out") if name in tensors] or list(tensors.values())[
        : len(tensors) == 1
    ]
    return named[0] if named else None


def _fields(outputs: object) -> dict[Any, Any]:
    if isinstance(outputs, Mapping):
        return dict(outputs)
    if is_dataclass(outputs):  # also those with slots
        return {field.name: getattr(outputs, field.name, None) for field in fields(outputs)}
    return dict(getattr(outputs, "__dict__", {}))


def first_tensor(outputs: object) -> torch.Tensor:
    """The tensor that proxies read of what a network returns, see :func:`tensor_in`.

    Raises:
        Undefined: There is none, or it is not dense or not of real floating-point numbers.
    """
    found = tensor_in(outputs)
    if found is None:
        raise Undefined(
            f"the network returns {type(outputs).__name__}, not a tensor, a tuple that starts with one, or fields with a tensor "
            "called logits or out"
        )
    if found.layout != torch.strided or not found.is_floating_point():
        kind = found.dtype if found.layout == torch.strided else found.layout
        raise Undefined(f"the network returns a tensor of {kind}; proxies read dense ones of floating-point numbers")
    return found


def finite(outputs: torch.Tensor) -> torch.Tensor:
    """``outputs``, checked.

    Raises:
        Undefined: They hold NaN or infinity.
    """
    if not bool(torch.isfinite(outputs).all()):
        raise Undefined("the outputs of the network hold NaN or infinity")
    return outputs


def loss_of(subject: Subject, outputs: torch.Tensor, targets: torch.Tensor | None) -> torch.Tensor:
    """The loss of some outputs.

    Args:
        subject: Gives the loss.
        outputs: First output of a run, with graph.
        targets: Labels of the batch that was run.

    Returns:
        A tensor with a single number, with graph.

    Raises:
        Undefined: The loss is no single finite number, or depends on no weight.
    """
    assert targets is not None, "proxies that read the loss are not run without targets"
    given = targets.detach().clone()
    if subject.loss is nn.functional.cross_entropy:
        given = _classes(outputs, given)
    # Clones, because a loss may change its arguments in place.
    value = subject.loss(outputs.clone(), given)
    if not isinstance(value, torch.Tensor):
        raise Undefined(f"the loss returns {type(value).__name__}; it must return a tensor with a single number")
    if value.numel() != 1:
        raise Undefined(f"the loss has shape {tuple(value.shape)}; it must be a single number")
    if not bool(torch.isfinite(value)):
        raise Undefined(f"the loss is {float(value.detach())}")
    if not value.requires_grad:
        raise Undefined(NO_WEIGHT)
    return value


def _classes(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Targets as the cross-entropy takes them: class numbers (N, ...) of any integer type, also (N, 1), or shares (N, C, ...).

    Raises:
        Undefined: They are none, or do not fit the outputs.
    """
    shape, kind = tuple(targets.shape), f"targets of {targets.dtype} and shape {tuple(targets.shape)}"
    if outputs.ndim < 2:
        raise Undefined(f"the outputs have shape {tuple(outputs.shape)}; the cross-entropy needs (samples, classes)")
    if targets.is_floating_point():
        if shape != tuple(outputs.shape):
            raise Undefined(
                f"it got {kind}; give class numbers of an integer type, or the loss that these are for (loss=)"
            )
        return targets
    if targets.is_complex() or targets.dtype == torch.bool:
        raise Undefined(f"it got {kind}; give class numbers of an integer type")
    numbers, wanted = targets.long(), (outputs.shape[0], *outputs.shape[2:])
    if shape == (outputs.shape[0], 1) and outputs.ndim == 2:
        numbers = numbers[:, 0]
    if tuple(numbers.shape) != wanted:
        raise Undefined(
            f"it got {kind}, and outputs of shape {tuple(outputs.shape)} need class numbers of shape {wanted}"
        )
    told = numbers[numbers != _IGNORED]
    if told.numel() and not 0 <= int(told.min()) <= int(told.max()) < outputs.shape[1]:
        raise Undefined(
            f"targets lie in {int(told.min())}..{int(told.max())}, and the network tells {outputs.shape[1]} classes apart, "
            f"0..{outputs.shape[1] - 1}"
        )
    return numbers


def nodes(total: torch.Tensor) -> Iterator[Any]:
    """Every operation in the graph of ``total``."""
    waiting = [total.grad_fn]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if node is not None:
            yield node
            following = {after for after, _ in node.next_functions} - seen
            seen |= following
            waiting.extend(following)


def refuse_reentrant(subject: Subject) -> None:
    """Let the network raise Undefined where it runs a module inside of a re-entrant checkpoint: its weights are not in the graph.

    Where no input of the checkpoint has a gradient, nothing in the graph says so. ``state.preserved`` removes the hooks.
    """

    def look(*_: object) -> None:
        frame = None if torch.is_grad_enabled() else sys._getframe()
        while frame is not None:
            if frame.f_code is CheckpointFunction.forward.__code__:
                raise Undefined(_HIDDEN)
            frame = frame.f_back

    for part in subject.parts:
        part.register_forward_pre_hook(look)


def refuse_hidden(total: torch.Tensor) -> None:
    """Re-entrant checkpoints run their part of the graph inside backward(), where autograd.grad cannot reach what is in it.

    Raises:
        Undefined: ``total`` depends on one.
    """
    if any(node.name() == "CheckpointFunctionBackward" for node in nodes(total)):
        raise Undefined(_HIDDEN)


def gradients(
    total: torch.Tensor, weights: Sequence[torch.Tensor], *, retain: bool = False, graph: bool = False
) -> list[torch.Tensor | None]:
    """The gradient of ``total`` to each of some weights.

    Args:
        total: A scalar tensor with graph.
        weights: Tensors to differentiate by.
        retain: Keep the graph for another backward run.
        graph: Make the gradients differentiable.

    Returns:
        One dense tensor for each weight; None where ``total`` does not depend on it.

    Raises:
        Undefined: There are no weights, or the network hides some of them from the graph.
    """
    if not weights:
        raise Undefined(NO_WEIGHT)
    refuse_hidden(total)
    found = torch.autograd.grad(
        total, list(weights), allow_unused=True, retain_graph=retain or graph, create_graph=graph
    )
    return [gradient.to_dense() if gradient is not None and gradient.is_sparse else gradient for gradient in found]


def weight_gradients(
    total: torch.Tensor, weights: Sequence[torch.Tensor], *, retain: bool = False, graph: bool = False
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(weight, gradient) of every weight of two or more dimensions that has a gradient.

    Args:
        total: As in :func:`gradients`.
        weights: As in :func:`gradients`.
        retain: As in :func:`gradients`.
        graph: As in :func:`gradients`.
    """
    for weight, gradient in zip(weights, gradients(total, weights, retain=retain, graph=graph), strict=True):
        if weight.ndim >= 2 and gradient is not None:
            yield weight, gradient
