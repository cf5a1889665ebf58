"""The size space of NATS-Bench: how many channels each of five layers has (Dong et al., TPAMI 2021).

The cell is always the same, that of NAS-Bench-201 with the highest validation accuracy on CIFAR-100. A network has a cell, a
residual block that halves the side, a cell, another such block and a cell, each with channels of its own: 8, 16, ... 64. The
stem has those of the first cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Graphs, chain_graphs
from ranknosh.spaces.nasbench201 import RECIPE, TOPOLOGY
from ranknosh.spaces.settings import whole_number
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import nn

NAME = "size"
UNIT = 8
WIDTHS = tuple(range(UNIT, 9 * UNIT, UNIT))
LAYERS = ("stage1", "reduction1", "stage2", "reduction2", "stage3")


@dataclass(frozen=True)
class Size(Space):
    """The space of 32,768 sets of channels, written ``64:64:64:64:64``.

    Args:
        channels: that the width 8 stands for, the others in proportion; 8 in the paper. Texts always name the published widths.
        cells: of each of the three stages, all of the stage's width; 1 in the paper.
    """

    channels: int = UNIT
    cells: int = 1

    name = NAME
    recipes: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        "cifar": {"space": {"channels": UNIT, "cells": 1}, "train": {**RECIPE, "epochs": 90, "all_data": True}}
    }
    """Of the paper; CIFAR-10 test accuracies are those of networks trained on all 50,000 images."""
    choices = tuple(Choice(layer, WIDTHS, ordered=True) for layer in LAYERS)

    def __post_init__(self) -> None:
        whole_number("channels", self.channels, 1)
        whole_number("cells", self.cells, 1)

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text is numbers with colons between."""
        return ":" in text and all(part.strip().isdecimal() for part in text.split(":"))

    def _read(self, text: str) -> Architecture:
        """Five widths with colons between."""
        parts = [part.strip() for part in text.split(":")]
        if len(parts) != len(LAYERS):
            raise ValueError(f"it has {len(parts)} part(s) separated by ':', not {len(LAYERS)}")
        known = [str(width) for width in WIDTHS]
        for part, layer in zip(parts, LAYERS, strict=True):
            if part not in known:
                raise ValueError(f"{layer} has width {part!r}; widths are {', '.join(known)}")
        return self.of(known.index(part) for part in parts)

    def format(self, architecture: Architecture) -> str:
        """The widths with colons between; ``parse(format(a)) == a``."""
        return ":".join(str(WIDTHS[option]) for option in self.chosen(architecture))

    def graphs(self, codes: Codes) -> Graphs:
        """Chains of five nodes, each labelled with its width."""
        return chain_graphs([np.array(list(map(str, WIDTHS)))] * len(LAYERS), codes, np.ones(codes.shape, np.bool_))

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of the paper, for images of at least 4x4 pixels."""
        from ranknosh.spaces.nets.network import Network
        from ranknosh.spaces.nets.size import published_edge
        from ranknosh.spaces.nets.skeleton import staged_skeleton

        widths = tuple(WIDTHS[option] * self.channels // UNIT for option in self.chosen(architecture))
        images, outputs = signature.images(NAME, least=4), signature.classes(NAME)
        skeleton = staged_skeleton(NAME, TOPOLOGY, widths, self.cells, in_channels=images[0], outputs=outputs)
        return Network(skeleton, published_edge)
