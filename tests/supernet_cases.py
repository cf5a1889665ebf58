"""Small supernets and data for the tests of ``supernet``: seconds on a CPU, no files."""

import torch

from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.cell import CellTopology
from ranknosh.spaces.nasbench201 import OPERATIONS
from ranknosh.spaces.nets.skeleton import nasbench201_skeleton
from supernet.data import TensorData
from supernet.method import Method, Stage, with_recipe
from supernet.search import SupernetSearch
from supernet.space import CellSpace, darts, nasbench201

TRIANGLE = CellTopology(inputs=1, nodes=3, edges=((0, 1), (0, 2), (1, 2)), outputs=(2,))


def tiny_data(images=32, classes=4, side=8, seed=0):
    """Random images of 3 channels with random labels, every class equally often."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn(images, 3, side, side, generator=generator)
    return TensorData(pixels, torch.arange(images) % classes, classes, seed=seed)


def tiny_nasbench201():
    """NAS-Bench-201 itself; make it small by its size: C=4, N=1."""
    return nasbench201(), NetworkSize(4, 1, 4)


def tiny_darts(operations=None):
    """The DARTS space with two nodes (five edges a cell): C=8, 3 cells, the last two reductions."""
    space = darts(steps=2) if operations is None else darts(operations, steps=2)
    return space, NetworkSize(8, 3, 4)


def tiny_search(method, space=None, size=None, *, seed=0, images=32, batch=8, **recipe):
    """A search of a method over the tiny NAS-Bench-201 supernet (or the space given), two steps an epoch by default."""
    if space is None:
        space, size = tiny_nasbench201()
    method = with_recipe(method, batch=batch, augment="none", **recipe)
    return SupernetSearch(method, space, size, tiny_data(images), seed=seed)


def bare(epochs=1, **parts):
    """A method of neutral parts but for those given."""
    return Method("bare", "none", (Stage(epochs),), **parts)


def triangle(operations=OPERATIONS):
    """A user's space: one input, three nodes, three edges."""
    edges = (tuple(operations),) * 3

    def skeleton(size):
        return nasbench201_skeleton(size, TRIANGLE)

    return CellSpace("triangle", skeleton, {"normal": edges})
