"""NAS-Bench-Macro: a chain of eight layers, each left out, small or large (Su et al., CVPR 2021).

A layer is an identity, a MobileNetV2 block of kernel 3 and expansion 3, or one of kernel 5 and expansion 6. The first layer of
each of the three stages halves the side and doubles the channels; an identity is a 1x1 convolution there.

An identity anywhere else does nothing, so that it can stand anywhere after the first layer of its stage: the 6,561 codes are
3,969 networks, as in the published table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Graphs, Rows, chain_graphs
from ranknosh.spaces.settings import listed, whole_number
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.spaces.nets.skeleton import EdgeContext
    from ranknosh.spaces.relaxed import Relaxed

NAME = "chain"
OPERATIONS = ("identity", "mb3_k3", "mb6_k5")
_IDENTITY = 0
_RECIPE = {
    "batch": 256,
    "lr": 0.1,
    "lr_per": "epoch",
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 5e-4,
    "grad_clip": 0.0,
    "augment": "crop_flip",
    "epochs": 50,
    "all_data": True,
}
"""Of the published table: trained on all 50,000 images of CIFAR-10, accuracies on its test images."""


@dataclass(frozen=True)
class Chain(Space):
    """The space of chains, written as a digit a layer: 0 identity, 1 mb3_k3, 2 mb6_k5.

    Args:
        channels: of the stem; every stage doubles them. 32 in the paper.
        head: channels of the last convolution; 1,280 in the paper.
        stages: layers of each stage; (2, 3, 3) in the paper.
    """

    channels: int = 32
    head: int = 1280
    stages: tuple[int, ...] = (2, 3, 3)

    name = NAME
    recipes: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
        "cifar": {"space": {"channels": 32, "head": 1280}, "train": _RECIPE}
    }

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", listed("stages", self.stages))
        for setting, values in (("channels", (self.channels,)), ("head", (self.head,)), ("stages", self.stages)):
            for value in values:
                whole_number(setting, value, 1)
        if not self.stages:
            raise SpaceError(
                f"stages of {NAME} is empty; give the number of layers of one or more stages, such as [2, 3, 3]"
            )

    @cached_property
    def choices(self) -> tuple[Choice, ...]:  # type: ignore[override]
        """One for each layer."""
        return tuple(
            Choice(f"stage{stage}.layer{layer}", OPERATIONS)
            for stage, layers in enumerate(self.stages, start=1)
            for layer in range(1, layers + 1)
        )

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """The first layer of every stage."""
        return tuple(accumulate(self.stages, initial=0))[:-1]

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text is eight digits from 0 to 2, as those of the published table."""
        return len(text.strip()) == 8 and set(text.strip()) <= set("012")

    def _read(self, text: str) -> Architecture:
        """A digit for each layer."""
        if len(text) != len(self.choices) or not set(text) <= set("012"):
            raise ValueError(
                f"it takes {len(self.choices)} digits, each of them 0 (identity), 1 (mb3_k3) or 2 (mb6_k5)"
            )
        return self.of(map(int, text))

    def format(self, architecture: Architecture) -> str:
        """A digit for each layer; ``parse(format(a)) == a``."""
        return "".join(map(str, self.chosen(architecture)))

    def canonical(self, architecture: Architecture) -> str:
        """``chain-`` and the digits with the identities of each stage, but for its first layer, at the stage's end."""
        return f"{NAME}-{''.join(map(str, self.settled(np.array([self.chosen(architecture)]))[0]))}"

    def settled(self, codes: Codes) -> Codes:
        """(n, layers) codes of the same networks, the identities of each stage, but for its first layer, at the stage's end."""
        moved = codes.copy()
        for start, layers in zip(self._starts, self.stages, strict=True):
            rest = codes[:, start + 1 : start + layers]
            order = np.argsort(rest == _IDENTITY, axis=1, kind="stable")
            moved[:, start + 1 : start + layers] = np.take_along_axis(rest, order, axis=1)
        return moved

    def features(self, codes: Codes) -> Rows:
        """(n, d) rows of the settled codes: an indicator per layer and operation, then per stage how often each occurs."""
        moved = self.settled(codes)
        taken = (moved[:, :, None] == np.arange(len(OPERATIONS))).astype(np.float32)
        counts: NDArray[np.float32] = np.add.reduceat(taken, self._starts, axis=1)
        parts = [each.reshape(len(codes), int(np.prod(each.shape[1:]))) for each in (taken, counts)]
        return np.concatenate(parts, axis=1)

    def graphs(self, codes: Codes) -> Graphs:
        """Chains of the layers that do something, those with stride 2 under names of their own."""
        plain, halving = np.array(OPERATIONS), np.array([f"{name}_stride2" for name in OPERATIONS])
        first = np.isin(np.arange(codes.shape[1]), self._starts)
        return chain_graphs([halving if each else plain for each in first], codes, (codes != _IDENTITY) | first)

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The network of the paper, for images of which the last stage still sees more than a pixel (8x8 for three stages)."""
        from ranknosh.spaces.nets.chain import make_layer

        code = self.chosen(architecture)
        return self._network(lambda at: make_layer(OPERATIONS[code[at.edge_index]], at), signature)

    def relaxed(self, signature: Signature) -> Relaxed:
        """An edge for every layer, with all three operations."""
        from ranknosh.spaces.nets.chain import KIND, make_layer
        from ranknosh.spaces.nets.network import EdgeFactory, TensorEdge
        from ranknosh.spaces.relaxed import Cells, Relaxed, without_scale
        from ranknosh.spaces.topology import independent

        def build(factory: EdgeFactory) -> nn.Module:
            return self._network(lambda at: TensorEdge(factory(at), at.c_in, at), signature)

        def make(name: str, context: EdgeContext, affine: bool) -> nn.Module | None:
            return make_layer(name, context) if affine else without_scale(make_layer(name, context))

        def write(cells: Cells) -> str:
            return self.format(self.of(place or _IDENTITY for place in cells[KIND]))

        layers = len(self.choices)
        return Relaxed(
            NAME,
            {KIND: (OPERATIONS,) * layers},
            {KIND: independent(layers)},
            build,
            write,
            make=make,
            listed=(lambda: ({KIND: each.code} for each in self.enumerate())) if self.enumerable else None,
        )

    def _network(self, make: Callable[[EdgeContext], nn.Module], signature: Signature) -> nn.Module:
        from ranknosh.spaces.nets.chain import ChainNetwork

        ends = {
            "in_channels": signature.images(NAME, least=2 ** len(self.stages))[0],
            "outputs": signature.classes(NAME),
        }
        return ChainNetwork(self.stages, self.channels, self.head, make, **ends)
