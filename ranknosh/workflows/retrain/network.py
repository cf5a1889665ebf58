"""The network that is trained: the cell's own, with what belongs to its training only."""

from __future__ import annotations

from torch import Tensor, nn

from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nets import (
    AuxiliaryHead,
    DropPath,
    Network,
    auxiliary_place,
    build,
    build_candidate,
    chosen_genotype,
    genotype_skeleton,
)
from ranknosh.workflows.retrain.recipe import Recipe
from ranknosh.workflows.retrain.subject import Subject


class TrainedNetwork(nn.Module):
    """``plain`` is the network that is left in the end; its weights do not depend on whether there is an auxiliary head.

    In training mode gives (logits, auxiliary logits or None), else logits. ``drop_path`` acts on ``plain``.
    """

    def __init__(self, plain: Network, auxiliary: bool) -> None:
        super().__init__()
        self.plain = plain
        self.drop_path = DropPath(plain)
        self.place = 0
        self.auxiliary: AuxiliaryHead | None = None
        if auxiliary:
            self.place, channels = auxiliary_place(plain.skeleton)
            self.auxiliary = AuxiliaryHead(channels, plain.skeleton.size.classes)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor | None]:
        if not self.training:
            logits: Tensor = self.plain(images)
            return logits
        if self.auxiliary is None:
            return self.plain(images), None
        logits, maps = self.plain.with_block(images, self.place)
        return logits, self.auxiliary(maps)


def build_network(subject: Subject, size: NetworkSize, recipe: Recipe) -> TrainedNetwork:
    """Weights from torch's current random state, the auxiliary head's last. Raises SpaceError for a cell without a network."""
    return TrainedNetwork(plain_network(subject.cell, size), recipe.train.auxiliary > 0)


def plain_network(cell: Architecture | Genotype, size: NetworkSize) -> Network:
    """The network that a cell stands for, without anything of its training."""
    if isinstance(cell, Genotype):
        return build(genotype_skeleton(size, cell), chosen_genotype(cell))
    return build_candidate(cell, size)
