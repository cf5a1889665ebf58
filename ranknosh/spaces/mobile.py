"""Networks for photographs: stages of inverted residual blocks behind a stem that shrinks the picture.

Searched are, as in Once-for-All (Cai et al., ICLR 2020) and MnasNet (Tan et al., CVPR 2019), the resolution; for every stage
how many blocks it has, how wide they are, whether they have squeeze-and-excite; and for every block its kernel and expansion.
With ``channels`` 16 the widths of the stages are those of MobileNetV3-Large: 24, 40, 80, 112, 160. Deviations: hard-swish in
every block; the head is that of MobileNetV2.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ranknosh.errors import SpaceError
from ranknosh.spaces import mobile_text
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.encodings import Codes, Graphs, chain_graphs
from ranknosh.spaces.settings import WrongSetting, flags, rising, rising_whole, whole_number
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.slots import Condition, deeper

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.spaces.nets.mobile import MobilePlan
    from ranknosh.spaces.relaxed import Relaxed

_UNITS = (3, 5, 10, 14, 20)
"""Width of every stage in halves of ``channels``."""
_STRIDES = (2, 2, 2, 1, 2)
_HEAD = 8
"""The last convolution is so many times as wide as the last stage: 1,280 channels in MobileNetV2."""
_MULTIPLE = 8


class _StageSlots(NamedTuple):
    """Where the settings of a stage stand in a code; ``layers`` are kernel and expansion of every block."""

    width: int
    squeeze: int
    depth: int
    layers: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class MobileSpace(ConditionalSpace):
    """The space ``mobile``; the defaults suit pictures of 64 pixels and two CPU cores.

    Args:
        channels: of the stem, even; all widths are in proportion to it.
        stages: 1 to 5, the first three of which halve the side, and the fifth.
        stem_side: the stem halves the side once, and on until it is at most so many pixels.
        depths: blocks a stage may have.
        kernels: sides a depthwise kernel may have, odd.
        expansions: factors by which a block may widen its input.
        widths: factors a stage's width may be multiplied with.
        squeeze: false and true, or one of them: without and with squeeze-and-excite.
        resolutions: shares of the picture's side the network may work at; below 1 it shrinks its input itself, to the nearest
            multiple of 8 pixels.
    """

    channels: int = 8
    stages: int = 4
    stem_side: int = 64
    depths: tuple[int, ...] = (2, 3, 4)
    kernels: tuple[int, ...] = (3, 5, 7)
    expansions: tuple[int, ...] = (3, 4, 6)
    widths: tuple[float, ...] = (0.75, 1.0, 1.25)
    squeeze: tuple[bool, ...] = (False, True)
    resolutions: tuple[float, ...] = (0.5, 0.75, 1.0)

    name = "mobile"
    first_steps = 56

    def __post_init__(self) -> None:
        whole_number("channels", self.channels, 2)
        if self.channels % 2:
            raise WrongSetting(
                f"channels is {self.channels}; it has to be even, as widths are multiples of its half; write for example "
                f"{self.channels + 1}",
                "channels",
            )
        whole_number("stages", self.stages, 1, most=len(_UNITS))
        whole_number("stem_side", self.stem_side, 8)
        checked = {
            "depths": rising_whole("depths", self.depths),
            "kernels": rising_whole("kernels", self.kernels),
            "expansions": rising_whole("expansions", self.expansions),
            "widths": rising("widths", self.widths, 0.1, 10),
            "squeeze": flags("squeeze", self.squeeze),
            "resolutions": rising("resolutions", self.resolutions, 0.1, 1),
        }
        if any(kernel % 2 == 0 for kernel in self.kernels):
            raise WrongSetting(
                f"kernels is {list(self.kernels)}; a kernel has an odd side, so that it has a middle; write for example [3, 5]",
                "kernels",
            )
        for name, values in checked.items():
            object.__setattr__(self, name, values)  # a list of a config becomes a tuple
        for stage in range(self.stages):
            found = [self._width(stage, factor) for factor in self.widths]
            if len(set(found)) < len(found):
                raise SpaceError(
                    f"the widths {list(self.widths)} give {found} channels in stage {stage + 1}: two options are one and the "
                    f"same; take factors further apart (widths are multiples of {self.channels // 2} here)"
                )

    def _width(self, stage: int, factor: float) -> int:
        """Channels of a stage (from 0), a multiple of half of ``channels``."""
        return self.channels // 2 * max(1, math.floor(_UNITS[stage] * factor + 0.5))

    @cached_property
    def _stage_slots(self) -> tuple[_StageSlots, ...]:
        blocks = range(self.depths[-1])
        starts = [1 + stage * (3 + 2 * len(blocks)) for stage in range(self.stages)]
        return tuple(
            _StageSlots(at, at + 1, at + 2, tuple((at + 3 + 2 * block, at + 4 + 2 * block) for block in blocks))
            for at in starts
        )

    @cached_property
    def choices(self) -> tuple[Choice, ...]:  # type: ignore[override]
        """Resolution; then of every stage width, squeeze, depth, and kernel and expansion of every block."""
        found = [Choice("resolution", self.resolutions, ordered=True)]
        for stage in range(1, self.stages + 1):
            found += [
                Choice(f"stage{stage}.width", self.widths, ordered=True),
                Choice(f"stage{stage}.squeeze", self.squeeze),
                Choice(f"stage{stage}.depth", self.depths, ordered=True),
            ]
            for layer in range(1, self.depths[-1] + 1):
                found += [
                    Choice(f"stage{stage}.layer{layer}.kernel", self.kernels, ordered=True),
                    Choice(f"stage{stage}.layer{layer}.expansion", self.expansions, ordered=True),
                ]
        return tuple(found)

    @cached_property
    def conditions(self) -> tuple[Condition | None, ...]:  # type: ignore[override]
        """A block is reached at the depths that have it."""
        found: list[Condition | None] = [None] * len(self.choices)
        for _, _, depth, layers in self._stage_slots:
            for number, slots in enumerate(layers):
                for slot in slots:
                    found[slot] = deeper(depth, self.depths, number)
        return tuple(found)

    def _stages(self, architecture: Architecture) -> Iterator[tuple[float, bool, list[tuple[int, int]]]]:
        """Of every stage its width factor, whether it has squeeze-and-excite, and kernel and expansion of its blocks."""
        code = self.chosen(architecture)
        for width, squeeze, depth, layers in self._stage_slots:
            blocks = layers[: self.depths[code[depth]]]
            yield (
                self.widths[code[width]],
                self.squeeze[code[squeeze]],
                [(self.kernels[code[kernel]], self.expansions[code[expansion]]) for kernel, expansion in blocks],
            )

    def network(self, architecture: Architecture, signature: Signature) -> "nn.Module":
        """The network of an architecture, see :class:`~ranknosh.spaces.nets.mobile.MobileNetwork`.

        Args:
            architecture: of this space.
            signature: inputs (C, H, W); outputs of any shape that is no picture.

        Raises:
            SpaceError: the architecture is not of this space; inputs are no pictures, or too small; outputs are pictures.
        """
        from ranknosh.spaces.nets.mobile import MobileNetwork

        self._check_outputs(signature)
        channels = signature.images(self.name)[0]
        return MobileNetwork(self.plan(architecture, signature), channels, signature.outputs)

    def relaxed(self, signature: Signature) -> "Relaxed":
        """The supernet of kernels and expansions, see :mod:`ranknosh.spaces.mobile_supernet`: every stage at its largest depth
        and the width factor nearest to 1, at the highest resolution, without squeeze-and-excite where that is an option."""
        from ranknosh.spaces.mobile_supernet import relaxed_blocks

        self._check_outputs(signature)
        code = [0] * len(self.choices)
        code[0] = len(self.resolutions) - 1
        for slots in self._stage_slots:
            code[slots.width] = min(range(len(self.widths)), key=lambda place: abs(self.widths[place] - 1))
            code[slots.squeeze] = self.squeeze.index(False) if False in self.squeeze else 0
            code[slots.depth] = len(self.depths) - 1

        def write(blocks: Sequence[tuple[int, int]]) -> str:
            layers = [layer for slots in self._stage_slots for layer in slots.layers]
            kept = list(code)
            for (kernel, expansion), taken in zip(layers, blocks, strict=True):
                kept[kernel], kept[expansion] = self.kernels.index(taken[0]), self.expansions.index(taken[1])
            return self.format(self.of(kept))

        pairs = [(kernel, expansion) for kernel in self.kernels for expansion in self.expansions]
        options = dict(zip(self.operations, pairs, strict=True))
        return relaxed_blocks(self.name, signature, self.plan(self.of(code), signature), options, write)

    def plan(self, architecture: Architecture, signature: Signature) -> "MobilePlan":
        """What the network of an architecture is made of; arguments and errors are those of :meth:`network`."""
        from ranknosh.spaces.nets.mobile import MobilePlan, StagePlan

        sides = self._sides(signature)[self.chosen(architecture)[0]]
        _, height, width = signature.images(self.name)
        stages = tuple(
            StagePlan(tuple(layers), self._width(number, factor), _STRIDES[number], squeeze)
            for number, (factor, squeeze, layers) in enumerate(self._stages(architecture))
        )
        return MobilePlan(
            sides=None if sides == (height, width) else sides,
            stem=self.channels,
            halvings=self._halvings(max(height, width)),
            stages=stages,
            head=_HEAD * self._width(self.stages - 1, 1.0),
        )

    def _check_outputs(self, signature: Signature) -> None:
        if len(signature.outputs) > 2:
            raise SpaceError(
                f"{self.name} sums a picture up in a row of numbers and cannot give {signature.outputs}: take a space for dense "
                "outputs, such as transformer"
            )

    def _halvings(self, side: int) -> int:
        """How often the stem halves a side."""
        return max(1, math.ceil(math.log2(side / self.stem_side)))

    def _sides(self, signature: Signature) -> list[tuple[int, int]]:
        """Height and width at every resolution. Raises SpaceError where two are the same, or one is too small to be shrunk."""
        _, *full = signature.images(self.name)
        found = [(full[0], full[1]) if share == 1 else _shrunk(full[0], full[1], share) for share in self.resolutions]
        shrinks = 2 ** self._halvings(max(full)) * math.prod(_STRIDES[: self.stages])
        if len(set(found)) < len(found) or min(found[0]) < shrinks:
            sizes = ", ".join(f"{height}x{width}" for height, width in found)
            raise SpaceError(
                f"{self.name} with {self.stages} stages shrinks pictures {shrinks} times, and the resolutions "
                f"{list(self.resolutions)} of pictures of {full[0]}x{full[1]} are {sizes}: every one has to be different, and "
                f"its shorter side at least {shrinks}. {self._fitting(full)}"
            )
        return found

    def _fitting(self, full: Sequence[int]) -> str:
        """What to do so that pictures of this height and width are not shrunk to nothing."""
        halved = 2 ** self._halvings(max(full))
        most = sum(min(full) >= halved * math.prod(_STRIDES[:stages]) for stages in range(1, self.stages + 1))
        if not most:
            return "Give larger pictures (data.resize), or take the space mlp"
        fewer = f"space.stages={most} and " if most < self.stages else ""
        return f"Set {fewer}space.resolutions=[1.0], or give larger pictures (data.resize)"

    def format(self, architecture: Architecture) -> str:
        """``r0.75 | w1 k3e6 k5e3 | w0.75 se k3e3``, see :mod:`ranknosh.spaces.mobile_text`; ``parse(format(a)) == a``."""
        return mobile_text.write(self.resolutions[self.chosen(architecture)[0]], self._stages(architecture))

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text begins like ``r0.75 | w1``, as :meth:`format` writes it."""
        return mobile_text.BEGIN.match(text) is not None

    def _read(self, text: str) -> Architecture:
        """A text as :meth:`format` gives it, or a JSON object."""
        if text.startswith("{"):
            return super()._read(text)
        return self.locate(mobile_text.read(text, self.stages))

    def holding(self, text: str) -> "MobileSpace":
        """This space, or one of the same size with just the options of an architecture that this one lacks.

        Raises SpaceError for a text that is no architecture of inverted residual networks.
        """
        try:
            self.parse(text)
        except SpaceError:
            if not self.reads(text):
                raise
            stages = min(max(1, text.count("|")), len(_UNITS))
            try:
                options = mobile_text.options(mobile_text.read(text, stages))
            except ValueError as error:
                raise self.unreadable(text, error) from error
            return self.scaled(stages=stages, **options)
        return self

    def graphs(self, codes: Codes) -> Graphs:
        """A chain of the resolution, and stage by stage a node of its width and squeeze-and-excite, then one a block.

        Nodes of stages have labels of their stage, nodes of blocks share theirs.
        """
        reached = self.slots.reached_of(codes)
        labels = [np.array([f"r{share:g}" for share in self.resolutions])]
        taken, present = [codes[:, 0]], [reached[:, 0]]
        for number, (width, squeeze, _, layers) in enumerate(self._stage_slots, start=1):
            labels.append(
                np.array([f"stage{number} w{w:g}{' se' if s else ''}" for w in self.widths for s in self.squeeze])
            )
            taken.append(codes[:, width] * len(self.squeeze) + codes[:, squeeze])
            present.append(reached[:, width])
            for kernel, expansion in layers:
                labels.append(np.array(self.operations))
                taken.append(codes[:, kernel] * len(self.expansions) + codes[:, expansion])
                present.append(reached[:, kernel])
        return chain_graphs(labels, np.stack(taken, axis=1), np.stack(present, axis=1))

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """Kernel and expansion of a block: ``k3e3``, ``k3e4``, ..."""
        return tuple(f"k{kernel}e{expansion}" for kernel in self.kernels for expansion in self.expansions)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How many blocks there are of every kernel and expansion."""
        blocks = [
            f"k{kernel}e{expansion}" for _, _, layers in self._stages(architecture) for kernel, expansion in layers
        ]
        return {operation: blocks.count(operation) for operation in self.operations}


@dataclass(frozen=True)
class Mobile224Space(MobileSpace):
    """The space ``mobile224``: :class:`MobileSpace` at the size of MobileNetV3-Large, for photographs of about 224 pixels."""

    channels: int = 16
    stages: int = 5
    stem_side: int = 112

    name = "mobile224"


def _shrunk(height: int, width: int, share: float) -> tuple[int, int]:
    """``share`` of both sides, each at the nearest multiple of 8."""
    rounded = [_MULTIPLE * max(1, math.floor(side * share / _MULTIPLE + 0.5)) for side in (height, width)]
    return rounded[0], rounded[1]
