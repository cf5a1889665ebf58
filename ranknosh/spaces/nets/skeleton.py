"""The macro structure around the cells, as plain data: which blocks follow each other, with how many channels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ranknosh.errors import SpaceError
from ranknosh.spaces import genotype as darts
from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.cell import CellTopology
from ranknosh.spaces.nasbench201 import TOPOLOGY as NASBENCH201_TOPOLOGY

CellKind = Literal["normal", "reduce"]
Preprocess = Literal["none", "conv", "reduce"]
"""How a cell receives an input: as it is, through a ReLU-conv1x1-BN, or through a FactorizedReduce."""


@dataclass(frozen=True)
class EdgeContext:
    """Where an edge sits and what it must turn into what.

    ``cell_index`` counts cells from the stem on, ``edge_index`` is the slot in the cell's topology. The edge takes
    (n, c_in, h, w) to (n, c_out, ceil(h / stride), ceil(w / stride)).
    """

    cell_kind: CellKind
    cell_index: int
    edge_index: int
    source: int
    target: int
    c_in: int
    c_out: int
    stride: int


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
    """Stem, blocks and head of a network. Only edges of the cells are left open.

    The stem is a 3x3 convolution to ``stem_channels`` and batch norm. The head is global average pooling of ``head_channels`` and
    a linear layer, after BN-ReLU where ``head_norm``.
    """

    space: str
    size: NetworkSize
    stem_channels: int
    blocks: tuple[CellPlan | ReductionPlan, ...]
    head_norm: bool
    head_channels: int

    @property
    def cells(self) -> tuple[CellPlan, ...]:
        """The blocks that hold searched edges."""
        return tuple(block for block in self.blocks if isinstance(block, CellPlan))


def nasbench201_skeleton(size: NetworkSize, topology: CellTopology = NASBENCH201_TOPOLOGY) -> Skeleton:
    """Three stages of ``size.cells`` cells at C, 2C and 4C channels, a residual reduction between them, then BN-ReLU.

    The network of Dong & Yang, ICLR 2020, which has C=16 and 5 cells a stage; for cells of any one-input ``topology``.
    """
    blocks: list[CellPlan | ReductionPlan] = []
    index = 0
    for stage in range(3):
        channels = size.channels * 2**stage
        if stage:
            blocks.append(ReductionPlan(channels // 2, channels))
        for _ in range(size.cells):
            blocks.append(CellPlan("normal", index, topology, (channels,), channels, 1, ("none",)))
            index += 1
    return Skeleton("nasbench201", size, size.channels, tuple(blocks), True, size.channels * 4)


def darts_skeleton(
    size: NetworkSize,
    steps: int = 4,
    normal_concat: tuple[int, ...] = (2, 3, 4, 5),
    reduce_concat: tuple[int, ...] = (2, 3, 4, 5),
) -> Skeleton:
    """``size.cells`` cells in all, those at one and two thirds of the depth reductions that double the channels.

    The CIFAR network of Liu et al., ICLR 2019: stem of 3C channels; every cell takes the outputs of the two before it,
    each brought to the cell's channels. Without the auxiliary head and drop-path, which belong to its training.

    Args:
        size: channels C and cells in all.
        steps: intermediate nodes of a cell.
        normal_concat: nodes that make the output of a normal cell.
        reduce_concat: the same of a reduction.
    """
    blocks: list[CellPlan] = []
    c_before, c_last, channels = 3 * size.channels, 3 * size.channels, size.channels
    after_reduction = False
    for index in range(size.cells):
        reduction = index in (size.cells // 3, 2 * size.cells // 3)
        channels *= 2 if reduction else 1
        plan = CellPlan(
            kind="reduce" if reduction else "normal",
            index=index,
            topology=darts.topology(steps, reduce_concat if reduction else normal_concat),
            c_inputs=(c_before, c_last),
            channels=channels,
            stride=2 if reduction else 1,
            preprocess=("reduce" if after_reduction else "conv", "conv"),
        )
        blocks.append(plan)
        c_before, c_last, after_reduction = c_last, plan.c_out, reduction
    return Skeleton("darts", size, 3 * size.channels, tuple(blocks), False, c_last)


def genotype_skeleton(size: NetworkSize, genotype: darts.Genotype) -> Skeleton:
    """The DARTS skeleton with the number of nodes and the concatenations of a genotype.

    Raises SpaceError where its two cells have different numbers of nodes.
    """
    if len(genotype.normal) != len(genotype.reduce):
        raise SpaceError("the normal and the reduction cell of a genotype must have the same number of nodes")
    return darts_skeleton(size, len(genotype.normal) // 2, genotype.normal_concat, genotype.reduce_concat)
