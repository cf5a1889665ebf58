"""Supernets in which one known operation carries all that labels can be told from."""

import torch
from torch import nn

from ranknosh.spaces.relaxed import operation
from ranknosh.spaces.topology import CellTopology
from supernet.data import TensorData
from supernet.method import with_recipe
from supernet.search import SupernetSearch
from tests.supernet_cases import staged

OPERATIONS = ("none", "flat", "skip_connect", "bright")
SIGNAL = OPERATIONS.index("skip_connect")


class Flat(nn.Module):
    """The same number everywhere, whatever comes in."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return torch.full_like(x, self.value)


def make(name, context, affine):
    if name in ("flat", "bright"):
        return Flat({"flat": 0.1, "bright": 1.0}[name])
    return operation(name, context, affine)


def chain_space(operations=OPERATIONS, edges=2):
    """Edges in a row; only ``skip_connect`` lets the image through."""
    steps = tuple((node, node + 1) for node in range(edges))
    chain = CellTopology(inputs=1, nodes=edges + 1, edges=steps, outputs=(edges,))
    return staged("chain", chain, (operations,) * edges, 6, 1, 3, make=make)


def coloured_data(images=48, classes=3, seed=0):
    """Images whose brightest channel is their label."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) % classes
    pixels = 0.3 * torch.randn(images, 3, 6, 6, generator=generator)
    pixels[torch.arange(images), labels] += 2.0
    return TensorData(pixels, labels, seed=seed)


def oracle_search(method, *, space=None, seed=0, **recipe):
    """A search over the chain on images whose class can be seen; ``SIGNAL`` is the place of the only useful operation."""
    method = with_recipe(method, **{"batch": 12, "augment": "none", "lr": 0.05} | recipe)
    return SupernetSearch(method, chain_space() if space is None else space, coloured_data(), seed=seed)
