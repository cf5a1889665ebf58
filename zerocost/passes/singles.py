"""SINGLES: the gradients of one sample after the other to the weights.

A sample's gradient is defined with the statistics of the whole batch held fixed (``zerocost.frozen``): the batch is run once to
record them, then every sample is run forward by itself, and backward as its proxies read: its loss, its summed outputs, or both.
Modes are those of BATCH. No graph outlives its sample.

Deviation from the code published with such proxies: it runs batch norm in training mode, on single samples (which makes it
instance norm, and fails on maps of one pixel) or on the whole batch for every sample (so that samples influence each other,
at a cost that grows with the square of the batch).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from zerocost.errors import Undefined
from zerocost.frozen import BatchStatistics, check_alone
from zerocost.passes.network import (
    Copies,
    finite,
    first_tensor,
    forward,
    gradients,
    input_copies,
    install,
    loss_of,
    set_modes,
    trainable,
    watched,
)
from zerocost.proxy import BackwardRun, Proxy, Subject

# Weights of one group: a proxy that keeps the gradients of 32 samples holds at most 1 GiB of them in float32. A larger
# network is run once for every group.
_GROUP = 2**23


def singles(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Give every gradient to ``Proxy.sample_gradients``, in groups of weights and within a group sample by sample."""
    wanted = [(proxy, proxy.samples()) for proxy in proxies if proxy.reads]
    set_modes(subject, batch_statistics=True)
    copies = install(subject, torch.clone)
    statistics = BatchStatistics(subject.batch)
    # No graph here: gradients must not pass through the statistics of the batch.
    with torch.no_grad(), statistics.recording():
        outputs = finite(first_tensor(watched(subject, input_copies(subject), proxies)))
    if wanted:
        _check_batch(subject, outputs, frozenset().union(*(proxy.reads for proxy, _ in wanted)))
        trainable(subject, copies)
    for places in _groups(subject) if wanted else ():
        for index in range(max(count for _, count in wanted)):
            readers = [proxy for proxy, count in wanted if index < count]
            _sample(subject, copies, statistics, outputs, places, index, readers)


def _check_batch(subject: Subject, outputs: torch.Tensor, reads: frozenset[BackwardRun]) -> None:
    named = {"outputs": outputs}
    if BackwardRun.LOSS in reads and subject.targets is not None:
        named["targets"] = subject.targets
    for name, tensor in named.items():
        if tensor.ndim == 0 or tensor.shape[0] != subject.batch:
            raise Undefined(
                f"the {name} have shape {tuple(tensor.shape)}; their first dimension must be the batch of {subject.batch} to "
                "tell samples apart"
            )


def _groups(subject: Subject) -> Iterator[list[int]]:
    """Places of the trainable parameters, in order, in groups of about ``_GROUP`` numbers at most."""
    group: list[int] = []
    size = 0
    for place, parameter in enumerate(subject.parameters):
        if not parameter.requires_grad:
            continue
        if group and size + parameter.numel() > _GROUP:
            yield group
            group, size = [], 0
        group.append(place)
        size += parameter.numel()
    if not group:
        raise Undefined("the network has no trainable weight")
    yield group


def _sample(
    subject: Subject,
    copies: Copies,
    statistics: BatchStatistics,
    outputs: torch.Tensor,
    places: Sequence[int],
    index: int,
    readers: Sequence[Proxy],
) -> None:
    one = slice(index, index + 1)
    reads = frozenset().union(*(proxy.reads for proxy in readers))
    with torch.enable_grad():
        with statistics.held():
            alone = forward(subject, [tensor[one].detach().clone() for tensor in subject.inputs])
        check_alone(alone.detach(), outputs[one], outputs.abs().max())
        totals: dict[BackwardRun, torch.Tensor] = {}
        if BackwardRun.LOSS in reads:
            targets = None if subject.targets is None else subject.targets[one]
            totals[BackwardRun.LOSS] = loss_of(subject, alone, targets)
        if BackwardRun.OUTPUTS in reads:
            if not alone.requires_grad:
                raise Undefined("the outputs do not depend on any trainable weight")
            totals[BackwardRun.OUTPUTS] = alone.sum()
    weights = [copies[id(subject.parameters[place])] for place in places]
    for number, (reading, total) in enumerate(totals.items(), start=1):
        # The last backward run frees the graph of the sample.
        found = gradients(total, weights, retain=number < len(totals))
        by_place = {place: g for place, g in zip(places, found, strict=True) if g is not None}
        if not all(bool(gradient.isfinite().all()) for gradient in by_place.values()):
            raise Undefined(f"the gradient of sample {index} holds NaN or infinity")
        for proxy in readers:
            if reading in proxy.reads:
                proxy.sample_gradients(index, reading, by_place)
