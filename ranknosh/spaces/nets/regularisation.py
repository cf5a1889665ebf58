"""What a long training adds to a network: a second classifier inside it, and edges that are left out at random."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.nets.network import Cell, Network
from ranknosh.spaces.nets.ops import Mapped
from ranknosh.spaces.nets.skeleton import CellPlan, ReductionPlan, Skeleton


class AuxiliaryHead(nn.Module):
    """A second classifier inside a deep network, which is trained along and then left out.

    Logits (n, classes) of maps (n, c_in, h, w) with h, w >= 2: pooling to 2x2, two convolutions, a linear layer.

    The heads of Liu et al., ICLR 2019, which average windows of 5 pixels at a distance of 3 on 8x8 maps (CIFAR) and of 2 on 7x7
    ones (ImageNet; there without the second batch norm). Deviation: for maps of another side s the distance is 3/8 of it,
    rounded down (at least 1), and the window what is left, so that two windows always span the side. ``block``: number of the
    network's block whose maps it reads. Raises SpaceError in
    ``forward`` for maps below 2x2.
    """

    def __init__(self, c_in: int, classes: int, block: int = 0) -> None:
        super().__init__()
        self.block = block
        self.features = nn.Sequential(
            nn.Conv2d(c_in, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[-2:]
        if min(height, width) < 2:
            raise SpaceError(
                f"an auxiliary head needs maps of at least 2x2 pixels, not {height}x{width}: give larger images or leave it out"
            )
        distance = (max(1, 3 * height // 8), max(1, 3 * width // 8))
        pooled = F.avg_pool2d(F.relu(maps), (height - distance[0], width - distance[1]), distance)
        return self.classifier(self.features(pooled).flatten(1))


def auxiliary_head(network: nn.Module) -> AuxiliaryHead:
    """A head for the network, weights from torch's current random state. Raises SpaceError where there is no place for one."""
    if not isinstance(network, Network):
        raise SpaceError(
            f"{type(network).__name__} is no network of cells and takes no auxiliary head; set train.auxiliary=0"
        )
    block, channels = auxiliary_place(network.skeleton)
    return AuxiliaryHead(channels, network.skeleton.outputs, block)


def auxiliary_place(skeleton: Skeleton) -> tuple[int, int]:
    """The block that an auxiliary head reads, and its channels: the last one that halves the size.

    In the DARTS skeleton that is cell ``2 * cells // 3``, as published. Raises SpaceError where no block halves the size.
    """
    places = [
        index
        for index, block in enumerate(skeleton.blocks)
        if isinstance(block, ReductionPlan) or (isinstance(block, CellPlan) and block.stride == 2)
    ]
    if not places:
        raise SpaceError(f"a network of {skeleton.space} without a reduction has no place for an auxiliary head")
    return places[-1], skeleton.blocks[places[-1]].c_out


def scheduled_rate(last: float, epoch: int, epochs: int) -> float:
    """``last * epoch / epochs`` (Liu et al., ICLR 2019).

    Args:
        last: the rate that is approached.
        epoch: from 0.
        epochs: of the whole training.
    """
    return last * epoch / epochs


class DropPath:
    """Drop-path (Larsson et al., ICLR 2017): sets what an edge carries to zero with chance ``rate``, image by image, and divides
    the rest by ``1 - rate``.

    So the expected value stays. Acts in training mode on every edge of every cell but identities (Zoph et al., CVPR 2018;
    the official DARTS code), which keeps each node fed. It is a hook on the edges: parameters keep their names. ``rate`` and
    ``generator`` (on the network's device, read for each edge in turn) may change between passes; at rate 0 nothing is drawn.
    Raises SpaceError for a network without cells.
    """

    def __init__(self, network: nn.Module) -> None:
        self.rate = 0.0
        self.generator: torch.Generator | None = None
        cells = [module for module in network.modules() if isinstance(module, Cell)]
        if not cells:
            raise SpaceError(
                f"{type(network).__name__} has no cells whose edges could be dropped; set train.drop_path=0"
            )
        edges = (edge for cell in cells for edge in cell.edges.values())
        self.edges = [edge for edge in edges if not (isinstance(edge, Mapped) and edge.takes == ("identity",))]
        for edge in self.edges:
            edge.register_forward_hook(self._drop)

    def _drop(self, edge: nn.Module, _: tuple[Tensor, ...], carried: Tensor) -> Tensor:
        if not edge.training or self.rate == 0:
            return carried
        keep = 1 - self.rate
        mask = carried.new_empty(len(carried), 1, 1, 1).bernoulli_(keep, generator=self.generator)
        return carried * mask.div_(keep)
