"""The blocks of a network: the modules whose outputs are compared with each other."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

_PLAIN = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """The blocks of any network, in the order of its module tree, each once.

    A composite is a module with children that is not a plain container; plain containers are exactly ``nn.Sequential``,
    ``nn.ModuleList`` and ``nn.ModuleDict``, and are looked through. The blocks are the composites of the shallowest
    level that has two or more of them with parameters; composites without parameters on that level (a cell of skip
    connections) are blocks, too. A level with a single composite with parameters is opened: the encoder of a
    transformer, the features of a wrapped network. If this ends at a level without any, the blocks are the modules of
    the network that hold weights of two or more dimensions themselves: the layers of a perceptron or a plain
    convolutional network; of nested ones only the outer, ``module`` itself excepted. The list is empty for a network
    without weights.
    """
    level = module
    while True:
        composites = [child for child in _members(level) if next(child.children(), None) is not None]
        weighted = [child for child in composites if next(child.parameters(), None) is not None]
        if len(weighted) >= 2:
            return _distinct(composites)
        if not weighted:
            break
        level = weighted[0]
    holders = _distinct(_weight_holders(module))
    return holders or ([module] if _holds_weights(module) else [])


def channel_dimension(block: nn.Module, feature: torch.Tensor) -> int:
    """The dimension of the channels in what enters or leaves ``block``; ``feature`` has two or more dimensions.

    It is 1 where the block holds a convolution (``nn.Conv*d``, ``nn.ConvTranspose*d``) over as many dimensions as the
    feature has positions, and where it holds no weights of two or more dimensions; else the last one, as in linear,
    recurrent and attention layers: tokens are (N, T, C).
    """
    convolutions = [part for part in block.modules() if isinstance(part, _ConvNd)]
    if any(len(part.kernel_size) == feature.ndim - 2 for part in convolutions):
        return 1
    return feature.ndim - 1 if any(weight.ndim >= 2 for weight in block.parameters()) else 1


def _members(level: nn.Module) -> Iterator[nn.Module]:
    for child in level.children():
        if type(child) in _PLAIN:
            yield from _members(child)
        else:
            yield child


def _weight_holders(level: nn.Module) -> Iterator[nn.Module]:
    for child in level.children():
        if _holds_weights(child):
            yield child
        else:
            yield from _weight_holders(child)


def _holds_weights(part: nn.Module) -> bool:
    return any(weight.ndim >= 2 for weight in part.parameters(recurse=False))


def _distinct(parts: list[nn.Module] | Iterator[nn.Module]) -> list[nn.Module]:
    return list(dict.fromkeys(parts))
