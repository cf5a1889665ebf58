"""Networks of architectures at some size, for tests that do not care what the space calls its settings."""

from torch import nn

from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import Genotype, format_genotype
from ranknosh.spaces.signature import Signature


def network_of(
    architecture: Architecture, channels: int = 4, cells: int = 1, outputs: int = 10, in_channels: int = 3
) -> nn.Module:
    space = get_space(architecture.space, channels=channels, cells=cells)
    return space.network(architecture, Signature((in_channels, 8, 8), (outputs,)))


def genotype_network(genotype: Genotype, channels: int = 4, cells: int = 3, outputs: int = 10) -> nn.Module:
    space = Darts(channels, cells).holding(format_genotype(genotype))
    assert isinstance(space, Darts)
    return space.network(space.of_genotype(genotype), Signature((3, 8, 8), (outputs,)))
