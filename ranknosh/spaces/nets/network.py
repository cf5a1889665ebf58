"""From a skeleton and an edge factory to a network: candidates and supernets differ in the factory alone."""

from collections.abc import Callable

from torch import Tensor, nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, NetworkSize, Space
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.genotype import Genotype, from_architecture
from ranknosh.spaces.nets.cell import Cell, EdgeFactory
from ranknosh.spaces.nets.ops import ConvBN, make_operation, standalone
from ranknosh.spaces.nets.skeleton import (
    EdgeContext,
    ReductionPlan,
    Skeleton,
    genotype_skeleton,
    nasbench201_skeleton,
)

SKELETONS = {"nasbench201": nasbench201_skeleton}
"""The macro structure of every space whose cells have one operation an edge, in the order of its slots."""


class ResidualReduction(nn.Module):
    """Two ReLU-conv3x3-BN, the first with stride 2, added to a 2x2 average pooling and conv1x1 (no batch norm).

    Odd sizes are rounded up on both branches; for even ones this is the block of NAS-Bench-201.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(standalone(ConvBN(c_in, c_out, 3, stride=2)), standalone(ConvBN(c_out, c_out, 3)))
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, stride=2, ceil_mode=True, count_include_pad=False), nn.Conv2d(c_in, c_out, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(x) + self.shortcut(x)


class Network(nn.Module):
    """Images (n, in_channels, h, w) to logits (n, classes). Works for any h, w >= 4, in either memory format."""

    def __init__(self, skeleton: Skeleton, edge_factory: EdgeFactory) -> None:
        super().__init__()
        self.skeleton = skeleton
        size = skeleton.size
        self.stem = nn.Sequential(
            nn.Conv2d(size.in_channels, skeleton.stem_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(skeleton.stem_channels),
        )
        self.blocks = nn.ModuleList(
            ResidualReduction(block.c_in, block.c_out)
            if isinstance(block, ReductionPlan)
            else Cell(block, edge_factory)
            for block in skeleton.blocks
        )
        norm = nn.Sequential(nn.BatchNorm2d(skeleton.head_channels), nn.ReLU())
        self.head = norm if skeleton.head_norm else nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(skeleton.head_channels, size.classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.with_block(images, -1)[0]

    def with_block(self, images: Tensor, block: int) -> tuple[Tensor, Tensor]:
        """The logits, and the output of block number ``block``, for a second head."""
        last = before = found = self.stem(images)
        for index, module in enumerate(self.blocks):
            two_inputs = isinstance(module, Cell) and module.plan.topology.inputs == 2
            before, last = last, module(before, last) if two_inputs else module(last)
            found = last if index == block else found
        return self.classifier(self.pool(self.head(last)).flatten(1)), found


def chosen_op(space: Space, architecture: Architecture) -> EdgeFactory:
    """The factory of an architecture: every edge gets the operation its slot chose, and nothing for ``none``.

    Raises SpaceError where the architecture is not of this space, or the space's edges are unknown.
    """
    code = space.chosen(architecture)
    if space.name not in SKELETONS:
        raise SpaceError(f"no network is known for the space {space.name!r}; known are {', '.join(SKELETONS)}")
    return _named_ops(lambda context: space.operations[code[context.edge_index]])


def chosen_genotype(genotype: Genotype) -> EdgeFactory:
    """The factory of a DARTS genotype, for ``skeleton.genotype_skeleton``; edges it does not name carry nothing."""
    by_kind = {"normal": genotype.edges("normal"), "reduce": genotype.edges("reduce")}
    return _named_ops(lambda context: by_kind[context.cell_kind].get((context.source, context.target), "none"))


def _named_ops(choose: Callable[[EdgeContext], str]) -> EdgeFactory:
    """A factory from a rule that names the operation of an edge."""
    return lambda context: make_operation(choose(context), context.c_in, context.c_out, context.stride)


def build_candidate(architecture: Architecture, size: NetworkSize) -> Network:
    """The trainable network of one architecture. Raises SpaceError for a space that has no network."""
    if architecture.space == "darts":
        genotype = from_architecture(architecture)
        return Network(genotype_skeleton(size, genotype), chosen_genotype(genotype))
    space = get_space(architecture.space)
    edges = chosen_op(space, architecture)
    return Network(SKELETONS[space.name](size), edges)
