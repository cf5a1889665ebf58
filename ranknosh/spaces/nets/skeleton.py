"""The macro structure around the cells, as plain data: which blocks follow each other, with how many channels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ranknosh.spaces.topology import CellTopology

CellKind = Literal["normal", "reduce"]
Preprocess = Literal["none", "conv", "reduce"]
"""How a cell receives an input: as it is, through a ReLU-conv1x1-BN, or through a FactorizedReduce."""
Stem = Literal["plain", "imagenet"]
"""What comes before the cells: a convolution that keeps the size, or three that halve it, the last two before the first cell's
two inputs, which therefore differ in size."""


@dataclass(frozen=True)
class EdgeContext:
    """Where an edge sits and what it must turn into what.

    ``cell_index`` counts cells from the stem on, ``edge_index`` is the slot in the cell's topology. The edge takes
    (n, c_in, h, w) to (n, c_out, ceil(h / stride), ceil(w / stride)), or (n, ...) to (n, *shape) where a shape is given.
    """

    cell_kind: str
    cell_index: int
    edge_index: int
    source: int
    target: int
    c_in: int
    c_out: int
    stride: int
    shape: tuple[int, ...] | None = None

    def zeros(self, source: Tensor) -> Tensor:
        """What the edge gives where it carries nothing, in the memory format of its source."""
        if self.shape is not None:
            return source.new_zeros(len(source), *self.shape)
        count, _, height, width = source.shape
        zeros = source.new_zeros(count, self.c_out, -(-height // self.stride), -(-width // self.stride))
        last = source.is_contiguous(memory_format=torch.channels_last)
        return zeros.contiguous(memory_format=torch.channels_last) if last else zeros


@dataclass(frozen=True)
class CellPlan:
    """A cell without its operations. Every edge gives ``channels``; edges that leave an input divide the size by ``stride``.

    ``c_inputs`` are the channels arriving at each input, oldest state first, and ``preprocess`` what is done to each.
    """

    kind: CellKind
    index: int
    topology: CellTopology
    c_inputs: tuple[int, ...]
    channels: int
    stride: int
    preprocess: tuple[Preprocess, ...]

    @property
    def c_out(self) -> int:
        """Channels of the cell's output."""
        return self.channels * len(self.topology.outputs)

    def contexts(self) -> Iterator[EdgeContext]:
        """The edges in slot order."""
        for slot, (source, target) in enumerate(self.topology.edges):
            outside = source < self.topology.inputs
            raw = outside and self.preprocess[source] == "none"
            yield EdgeContext(
                cell_kind=self.kind,
                cell_index=self.index,
                edge_index=slot,
                source=source,
                target=target,
                c_in=self.c_inputs[source] if raw else self.channels,
                c_out=self.channels,
                stride=self.stride if outside else 1,
            )


@dataclass(frozen=True)
class ReductionPlan:
    """A fixed residual block that halves the size and takes ``c_in`` to ``c_out`` channels."""

    c_in: int
    c_out: int


@dataclass(frozen=True)
class Skeleton:
    """Stem, blocks and head of a network of images. Only edges of the cells are left open.

    Images have ``in_channels`` and the network gives ``outputs`` numbers of each. The stem gives ``stem_channels``: a 3x3
    convolution and batch norm, or three of stride 2 (:data:`Stem`). The head is global average pooling of ``head_channels`` and
    a linear layer, after BN-ReLU where ``head_norm``.
    """

    space: str
    in_channels: int
    outputs: int
    stem_channels: int
    blocks: tuple[CellPlan | ReductionPlan, ...]
    head_norm: bool
    head_channels: int
    stem: Stem = "plain"

    @property
    def cells(self) -> tuple[CellPlan, ...]:
        """The blocks that hold searched edges."""
        return tuple(block for block in self.blocks if isinstance(block, CellPlan))


def staged_skeleton(
    space: str, topology: CellTopology, widths: tuple[int, ...], cells: int, *, in_channels: int, outputs: int
) -> Skeleton:
    """A stage of cells, a residual reduction, a stage, a reduction, a stage, then BN-ReLU.

    The network of Dong & Yang, ICLR 2020, at widths (C, 2C, 2C, 4C, 4C) with C=16 and 5 cells a stage; with any widths that of
    Dong et al., TPAMI 2021.

    Args:
        space: its name.
        topology: of the cells; one input.
        widths: channels of these five; the stem has the first of them.
        cells: of a stage.
        in_channels: of the images.
        outputs: of the network.
    """
    blocks: list[CellPlan | ReductionPlan] = []
    c_in, index = widths[0], 0
    for place, width in enumerate(widths):
        if place % 2:
            blocks.append(ReductionPlan(c_in, width))
            c_in = width
            continue
        for _ in range(cells):
            blocks.append(CellPlan("normal", index, topology, (c_in,), width, 1, ("none",)))
            c_in, index = width, index + 1
    return Skeleton(space, in_channels, outputs, widths[0], tuple(blocks), True, c_in)


def darts_skeleton(
    space: str,
    normal: CellTopology,
    reduce: CellTopology,
    channels: int,
    cells: int,
    *,
    in_channels: int,
    outputs: int,
    stem: Stem = "plain",
) -> Skeleton:
    """``cells`` cells in all, those at one and two thirds of the depth reductions that double the channels.

    The networks of Liu et al., ICLR 2019: with the plain stem, of 3C channels, that of CIFAR, with the other one, of C channels,
    that of ImageNet. Every cell takes the outputs of the two before it, each brought to the cell's channels. Without the
    auxiliary head and drop-path, which belong to its training.

    Args:
        space: its name.
        normal: graph of the cells that keep the size; two inputs.
        reduce: graph of the others.
        channels: C.
        cells: in all.
        in_channels: of the images.
        outputs: of the network.
        stem: before the cells.
    """
    blocks: list[CellPlan] = []
    first = 3 * channels if stem == "plain" else channels
    c_before, c_last, width = first, first, channels
    after_reduction = stem == "imagenet"
    for index in range(cells):
        reduction = index in (cells // 3, 2 * cells // 3)
        width *= 2 if reduction else 1
        plan = CellPlan(
            kind="reduce" if reduction else "normal",
            index=index,
            topology=reduce if reduction else normal,
            c_inputs=(c_before, c_last),
            channels=width,
            stride=2 if reduction else 1,
            preprocess=("reduce" if after_reduction else "conv", "conv"),
        )
        blocks.append(plan)
        c_before, c_last, after_reduction = c_last, plan.c_out, reduction
    return Skeleton(space, in_channels, outputs, first, tuple(blocks), False, c_last, stem)
