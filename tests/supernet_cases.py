"""Small supernets and data for the tests of ``supernet``: seconds on a CPU, no files."""

import torch

from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import OPERATIONS as OPERATIONS_OF_DARTS
from ranknosh.spaces.nasbench201 import OPERATIONS, NasBench201
from ranknosh.spaces.nets.network import Network
from ranknosh.spaces.nets.skeleton import staged_skeleton
from ranknosh.spaces.relaxed import Relaxed
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.topology import CellTopology
from supernet.data import TensorData
from supernet.method import Method, Stage, with_recipe
from supernet.search import SupernetSearch

TRIANGLE = CellTopology(inputs=1, nodes=3, edges=((0, 1), (0, 2), (1, 2)), outputs=(2,))


def tiny_data(images=32, classes=4, side=8, seed=0):
    """Random images of 3 channels with random labels, every class equally often."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(images, 3, side, side, generator=generator)
    return TensorData(pixels, torch.arange(images) % classes, seed=seed)


def tiny_nasbench201(channels=4, cells=1, outputs=4):
    """NAS-Bench-201 of small networks."""
    return NasBench201(channels, cells).relaxed(Signature((3, 8, 8), (outputs,)))


def tiny_darts(operations=OPERATIONS_OF_DARTS, channels=8, cells=3, outputs=4, steps=2):
    """The DARTS space with two nodes (five edges a cell): C=8, 3 cells, the last two reductions."""
    searched = tuple(name for name in operations if name != "none")
    space = Darts(channels, cells, searched, steps, none="none" in operations)
    return space.relaxed(Signature((3, 8, 8), (outputs,)))


def tiny_search(method, space=None, *, seed=0, images=32, batch=8, **recipe):
    """A search of a method over the tiny NAS-Bench-201 supernet (or the space given), two steps an epoch by default."""
    method = with_recipe(method, batch=batch, augment="none", **recipe)
    return SupernetSearch(method, space or tiny_nasbench201(), tiny_data(images), seed=seed)


def bare(epochs=1, **parts):
    """A method of neutral parts but for those given."""
    return Method("bare", "none", (Stage(epochs),), **parts)


def triangle(operations=OPERATIONS, channels=4, cells=1, outputs=4, **changes):
    """A user's space: one input, three nodes, three edges, in three stages of cells."""
    return staged("triangle", TRIANGLE, (tuple(operations),) * 3, channels, cells, outputs, **changes)


def staged(name, topology, candidates, channels, cells, outputs, **changes):
    """Any cell of one input in the network of NAS-Bench-201; what was kept is written as a list of edges."""

    def write(kept):
        names = (None if place is None else edge[place] for place, edge in zip(kept["normal"], candidates, strict=True))
        edges = zip(names, topology.edges, strict=True)
        return f"normal: {' '.join(f'{name}({a}->{b})' for name, (a, b) in edges if name is not None)}"

    def build(factory):
        widths = (channels, 2 * channels, 2 * channels, 4 * channels, 4 * channels)
        return Network(staged_skeleton(name, topology, widths, cells, in_channels=3, outputs=outputs), factory)

    return Relaxed(name, {"normal": candidates}, {"normal": topology}, build, write, **changes)
