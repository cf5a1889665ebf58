"""Which weight of the plain supernet is which weight of ours."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.supernet_reference import Cell, Supernet


def paired_parameters(reference: Supernet, ours: nn.Module) -> Iterator[tuple[nn.Parameter, nn.Parameter]]:
    """(reference, ours) for every weight; ``ours`` is a network of ``ranknosh.spaces.nets`` with mixed edges.

    Modules are paired by the part of the network they sit in and their order there. Batch norms are paired where both have
    parameters; what only ours has must be neutral. Raises ValueError where the two do not hold the same layers.
    """
    for part in _parts(reference):
        mine, theirs = _layers(ours.get_submodule(part)), _layers(reference.get_submodule(part))
        if [_kind(layer) for layer in mine] != [_kind(layer) for layer in theirs]:
            raise ValueError(f"{part}: the reference holds {theirs} where the other network holds {mine}")
        for their, my in zip(theirs, mine, strict=True):
            yield from zip(their.parameters(), my.parameters(), strict=False)


def copy_weights(reference: Supernet, ours: nn.Module) -> None:
    """Give ``ours`` the weights of ``reference``; architecture parameters are left alone."""
    with torch.no_grad():
        for source, target in paired_parameters(reference, ours):
            target.copy_(source)


def _parts(reference: Supernet) -> Iterator[str]:
    yield from ("stem", "head", "classifier")
    for index, block in enumerate(reference.blocks):
        if not isinstance(block, Cell):
            yield from (f"blocks.{index}.convs", f"blocks.{index}.shortcut")
            continue
        yield from (f"blocks.{index}.preprocess.{place}" for place in range(block.inputs))
        for slot, edge in block.edges.items():
            for name, operation in edge.operations.items():
                if any(True for _ in operation.parameters()):
                    yield f"blocks.{index}.edges.{slot}.operations.{name}"


def _layers(part: nn.Module) -> list[nn.Module]:
    return [module for module in part.modules() if _kind(module) is not None]


def _kind(module: nn.Module) -> type[nn.Module] | None:
    return next((kind for kind in (nn.Conv2d, nn.Linear, nn.BatchNorm2d) if isinstance(module, kind)), None)
