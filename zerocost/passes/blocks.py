"""BLOCKS: one forward run with fresh weights and Gaussian inputs, and random gradients back through each single block.

Weights of the copies are drawn anew (``initialisation``) and inputs from N(0, 1), in the shape of the batch; inputs of whole
numbers (token ids) stay as given. So the result does not depend on the module's weights or on real data. Modes are
those of BATCH. One CPU generator of ``seed`` draws weights, inputs and then gradients, the last block's first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from zerocost.blocks import blocks_of, channel_dimension
from zerocost.feature import Feature
from zerocost.initialisation import draw_weights
from zerocost.passes.network import first_tensor, input_copies, install, nodes, refuse_hidden, set_modes, watched
from zerocost.proxy import BackwardRun, Proxy, Subject


def blocks(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Give the features to ``Proxy.features`` and, where a proxy reads them, the gradients of each block to
    ``Proxy.block_gradients``.

    The features are F_0, what enters the first block that runs, and F_i, what leaves the i-th one: the first tensor of
    a tuple, of floating-point numbers and two or more dimensions. A block that runs twice counts twice, one inside
    another one does not count, nor do features that the first output of the network does not depend on. Proxies that
    read features only need no gradient, but the graph shows what the output depends on, and computing it always keeps
    their values independent of the other proxies.
    """
    reads = frozenset().union(*(proxy.reads for proxy in proxies))
    set_modes(subject, batch_statistics=True)
    copies = install(subject, torch.clone)
    generator = torch.Generator().manual_seed(subject.seed)
    draw_weights(subject, generator)
    for parameter in subject.parameters:
        if parameter.is_floating_point():
            copies[id(parameter)].requires_grad_(True)
    leaves = [_drawn(t, generator).requires_grad_(True) if t.is_floating_point() else t for t in input_copies(subject)]
    with torch.enable_grad():
        with _Tape(blocks_of(subject.module)) as tape:
            # Clones, because a network may change its inputs in place.
            outputs = first_tensor(watched(subject, [leaf.clone() for leaf in leaves], proxies))
        refuse_hidden(outputs)
        steps = tape.leading_to(outputs)
        for proxy in proxies:
            proxy.features([step.feature for step in steps])
        if BackwardRun.BLOCK_GRADIENTS in reads:
            for entering, leaving in _gradients(steps, generator):
                for proxy in proxies:
                    proxy.block_gradients(entering, leaving)


@dataclass(frozen=True, eq=False)
class _Step:
    """A feature, its tensor in the graph, and the place of that in the graph: None where it depends on nothing with a
    gradient."""

    feature: Feature
    tensor: torch.Tensor
    edge: GradientEdge | None


class _Tape:
    """Records what enters the first block that runs and what leaves each block."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        self._blocks = blocks
        self._steps: list[_Step] = []
        self._hooks = ExitStack()
        self._inside = 0
        self._ran = 0

    def __enter__(self) -> _Tape:
        for block in self._blocks:
            self._hooks.enter_context(block.register_forward_pre_hook(self._enter, with_kwargs=True))
            self._hooks.enter_context(block.register_forward_hook(self._leave))
        return self

    def __exit__(self, *exception: object) -> None:
        self._hooks.close()

    def _enter(self, block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
        if self._ran == self._inside == 0 and given and _is_feature(given[0]):
            # The block may change it in place.
            self._record(block, "what enters block 1", given[0].detach().clone(), given[0])
        self._inside += 1

    def _leave(self, block: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        self._inside -= 1
        if self._inside:
            return None
        self._ran += 1
        first = output[0] if isinstance(output, (tuple, list)) and output else output
        if not isinstance(first, torch.Tensor) or not _is_feature(first):
            return None
        self._record(block, f"what leaves block {self._ran}", first.detach(), first)
        # The network continues with a copy, which it may change in place.
        return _with_first(output, first.clone())

    def _record(self, block: nn.Module, name: str, value: torch.Tensor, tensor: torch.Tensor) -> None:
        edge = get_gradient_edge(tensor) if tensor.requires_grad else None
        self._steps.append(_Step(Feature(name, value, channel_dimension(block, value)), tensor, edge))

    def leading_to(self, outputs: torch.Tensor) -> list[_Step]:
        """The steps that ``outputs`` depend on according to the graph; steps without a gradient are included."""
        if not outputs.requires_grad:
            return self._steps
        reached = {edge for node in nodes(outputs) for edge in node.next_functions}
        return [s for s in self._steps if s.edge is None or (s.edge.node, s.edge.output_nr) in reached]


def _drawn(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(like.shape, generator=generator, dtype=torch.float32, device="cpu").to(like)


def _is_feature(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.ndim >= 2 and tensor.numel() > 0


def _with_first(output: Any, first: torch.Tensor) -> Any:
    if isinstance(output, torch.Tensor):
        return first
    items = (first, *output[1:])
    return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)


def _gradients(steps: Sequence[_Step], generator: torch.Generator) -> Iterator[tuple[Feature, Feature]]:
    """(gradient at the input, random gradient at the output) of each block, the last one first.

    A block that does not depend on the feature before it is left out, as a parallel branch, unless its output is the
    same at every position: such a block lets no gradient through, and the gradient is 0.
    """
    for before, after in reversed(list(pairwise(steps))):
        # Drawn for every block, also for one that is left out below: the signs of the others must not depend on it.
        drawn = torch.randint(0, 2, after.tensor.shape, generator=generator, dtype=torch.float32, device="cpu") * 2 - 1
        signs = drawn.to(after.tensor)
        felt = None
        if after.edge is not None and before.edge is not None:
            (felt,) = torch.autograd.grad(after.tensor, [before.edge], signs, retain_graph=True, allow_unused=True)
        if felt is None:
            rows = after.feature.channels_last.flatten(0, -2)
            if not bool((rows == rows[:1]).all()):
                continue
            felt = torch.zeros_like(before.tensor)
        yield (
            Feature(before.feature.name, felt.detach(), before.feature.channel),
            Feature(after.feature.name, signs, after.feature.channel),
        )
