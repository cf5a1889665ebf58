"""Small transformers for pictures, sequences of vectors and tokens.

Searched are, as in AutoFormer (Chen et al., ICCV 2021), the number of blocks and the width of all of them; for every block its
heads and how much wider its MLP is; and into how many patches a picture is cut. Deviation: heads share the width of their block,
as in ``nn.TransformerEncoderLayer``, where AutoFormer gives each 64 numbers; so heads change no number of parameters.
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.encodings import Codes, Graphs, chain_graphs
from ranknosh.spaces.settings import number, one_of, rising, rising_whole
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.slots import Condition, deeper

if TYPE_CHECKING:
    from torch import nn

POOLINGS = ("mean", "token")
_BLOCK = r"h\d{1,9}r\d{1,9}(\.\d{1,9})?"
_TEXT = re.compile(rf"(p(?P<patches>\d{{1,9}}) +)?w(?P<width>\d{{1,9}}) *\| *(?P<blocks>{_BLOCK}( *\| *{_BLOCK})*)")


@dataclass(frozen=True)
class TransformerSpace(ConditionalSpace):
    """The space ``transformer``; the defaults suit pictures of 32 pixels and two CPU cores.

    Args:
        patches: into how many patches a picture may be cut along each side; empty for sequences, which have none.
        widths: of the vector at every position.
        depths: how many blocks there may be.
        heads: of a block; each number divides every width.
        ratios: how many times wider than its input a block's MLP may be.
        pooling: what the outputs are read from where there is one row for the whole input: the ``mean`` of all positions,
            or a ``token`` of its own.
        causal: whether a position sees only those before it; None for yes where the task is to predict the next token
            (outputs (length, vocabulary)).
        dropout: chance with which an element is left out behind the embedding, attention and MLP.
    """

    patches: tuple[int, ...] = (4, 8)
    widths: tuple[int, ...] = (48, 64, 96)
    depths: tuple[int, ...] = (2, 3, 4, 5, 6)
    heads: tuple[int, ...] = (2, 4, 8)
    ratios: tuple[float, ...] = (1.0, 2.0, 4.0)
    pooling: str = "mean"
    causal: bool | None = None
    dropout: float = 0.0

    name = "transformer"
    first_steps, gentle = 40, True

    def __post_init__(self) -> None:
        checked: dict[str, tuple[Any, ...]] = {
            "patches": rising_whole("patches", self.patches) if self.patches else (),
            "widths": rising_whole("widths", self.widths),
            "depths": rising_whole("depths", self.depths),
            "heads": rising_whole("heads", self.heads),
            "ratios": rising("ratios", self.ratios, 0.1, 64),
        }
        for name, values in checked.items():
            object.__setattr__(self, name, values)  # a list of a config becomes a tuple
        one_of("pooling", self.pooling, POOLINGS)
        one_of("causal", self.causal, (None, False, True))
        number("dropout", self.dropout, 0, 0.99)
        for width in self.widths:
            for heads in self.heads:
                if width % heads:
                    raise SpaceError(
                        f"a width of {width} cannot be shared by {heads} heads; all widths {list(self.widths)} have to be "
                        f"multiples of all of heads {list(self.heads)}, so of {math.lcm(*self.heads)}"
                    )
            hidden = [_hidden(width, ratio) for ratio in self.ratios]
            if len(set(hidden)) < len(hidden):
                raise SpaceError(
                    f"the ratios {list(self.ratios)} of a width of {width} are {hidden} numbers: two options are one and the "
                    "same; take ratios further apart"
                )

    @cached_property
    def choices(self) -> tuple[Choice, ...]:  # type: ignore[override]
        """Patches where there are any, width, depth, then heads and ratio of every block."""
        found = [Choice("patches", self.patches, ordered=True)] if self.patches else []
        found += [Choice("width", self.widths, ordered=True), Choice("depth", self.depths, ordered=True)]
        for block in range(1, self.depths[-1] + 1):
            found += [
                Choice(f"block{block}.heads", self.heads, ordered=True),
                Choice(f"block{block}.ratio", self.ratios, ordered=True),
            ]
        return tuple(found)

    @cached_property
    def conditions(self) -> tuple[Condition | None, ...]:  # type: ignore[override]
        """A block is reached at the depths that have it."""
        found: list[Condition | None] = [None] * self._first
        for block in range(self.depths[-1]):
            found += [deeper(self._first - 1, self.depths, block)] * 2
        return tuple(found)

    @property
    def _first(self) -> int:
        """The slot of the first block's heads; depth is the one before it, width the one before that."""
        return 3 if self.patches else 2

    def network(self, architecture: Architecture, signature: Signature) -> "nn.Module":
        """The network of an architecture, see :class:`~ranknosh.spaces.nets.transformer.Transformer`.

        Args:
            architecture: of this space.
            signature: inputs are a picture (C, H, W), a sequence (length, numbers) or tokens (length,). Outputs are of any shape;
                one for every pixel (C, H, W) or every position (length, K) where they have that many.

        Raises:
            SpaceError: the architecture is not of this space, or the signature does not fit.
        """
        from ranknosh.spaces.nets.transformer import Transformer, TransformerPlan

        code = self.chosen(architecture)
        self._check(signature)
        width = self.widths[code[self._first - 2]]
        grid = (self.patches[code[0]],) * 2 if self.patches else None
        plan = TransformerPlan(
            width=width,
            blocks=tuple((heads, _hidden(width, ratio)) for heads, ratio in self._blocks(code)),
            dropout=self.dropout,
            token=self.pooling == "token",
            causal=self._is_causal(signature),
            grid=grid,
            everywhere=_everywhere(signature),
        )
        return Transformer(plan, signature.inputs, signature.outputs, signature.vocabulary)

    def _blocks(self, code: tuple[int, ...]) -> list[tuple[int, float]]:
        """Heads and ratio of every block."""
        slots = range(self._first, self._first + 2 * self.depths[code[self._first - 1]], 2)
        return [(self.heads[code[slot]], self.ratios[code[slot + 1]]) for slot in slots]

    def _is_causal(self, signature: Signature) -> bool:
        tokens = signature.vocabulary is not None
        return (
            self.causal
            if self.causal is not None
            else tokens and signature.outputs == (*signature.inputs, signature.vocabulary)
        )

    def _check(self, signature: Signature) -> None:
        """Raises SpaceError for a signature that does not fit."""
        inputs, outputs = signature.inputs, signature.outputs
        tokens = signature.vocabulary is not None
        if len(inputs) != (3 if self.patches else 1 if tokens else 2) or (self.patches and tokens):
            raise SpaceError(self._wrong_inputs(signature))
        for patches in self.patches:
            if any(side % patches for side in inputs[1:]):
                raise SpaceError(
                    f"{patches} patches a side do not divide pictures of {inputs[1]}x{inputs[2]}; set space.patches to numbers "
                    f"that do, such as {_divisors(math.gcd(*inputs[1:]))}"
                )
        if self.pooling == "token" and (_everywhere(signature) or self._is_causal(signature)):
            raise SpaceError(
                f"outputs {outputs} at every position, or positions that see only those before them, do not go with a token "
                "that sums all up; set space.pooling=mean"
            )
        if self.patches and self.causal:
            raise SpaceError("patches of a picture have no before and after; leave space.causal out")

    def _wrong_inputs(self, signature: Signature) -> str:
        inputs = signature.inputs
        if self.patches and (signature.vocabulary is not None or len(inputs) == 2):
            return f"inputs {inputs} of {signature.dtype} are a sequence, which has no patches; set space.patches=[]"
        if not self.patches and len(inputs) == 3:
            cut = f"such as {_divisors(math.gcd(*inputs[1:]))}"
            return (
                f"inputs {inputs} are pictures; set space.patches to how many patches a side they are cut into, {cut}"
            )
        return (
            f"{self.name} takes pictures (C, H, W), sequences (length, numbers) or tokens (length,), and the task has {inputs} "
            f"of {signature.dtype}; lay the data out like one of these, or take the space mlp"
        )

    def format(self, architecture: Architecture) -> str:
        """``p8 w64 | h2r4 | h8r1``: patches a side (where there are any) and width, then heads and ratio of every block.

        ``parse(format(a)) == a``.
        """
        code = self.chosen(architecture)
        patches = [f"p{self.patches[code[0]]}"] if self.patches else []
        blocks = [f"h{heads}r{ratio:g}" for heads, ratio in self._blocks(code)]
        return " | ".join([" ".join([*patches, f"w{self.widths[code[self._first - 2]]}"]), *blocks])

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text has the form that :meth:`format` writes."""
        return _TEXT.fullmatch(text.strip()) is not None

    def _read(self, text: str) -> Architecture:
        """A text as :meth:`format` gives it, or a JSON object."""
        if text.startswith("{"):
            return super()._read(text)
        found = _TEXT.fullmatch(text)
        if not found or bool(found["patches"]) != bool(self.patches):
            wanted = "patches and width" if self.patches else "width, no patches"
            raise ValueError(f"it has {wanted}, then heads and ratio of every block with | between")
        blocks = _blocks_of(found)
        config: dict[str, Any] = {"patches": int(found["patches"])} if self.patches else {}
        config |= {"width": int(found["width"]), "depth": len(blocks)}
        for block, (heads, ratio) in enumerate(blocks, start=1):
            config |= {f"block{block}.heads": heads, f"block{block}.ratio": ratio}
        return self.locate(config)

    def holding(self, text: str) -> "TransformerSpace":
        """This space, or one with just the options of an architecture that this one lacks.

        Raises SpaceError for a text that is no architecture of transformers.
        """
        try:
            self.parse(text)
        except SpaceError:
            found = _TEXT.fullmatch(text.strip())
            if not found:
                raise
            heads, ratios = zip(*_blocks_of(found), strict=True)
            return self.scaled(
                patches=(int(found["patches"]),) if found["patches"] else (),
                widths=(int(found["width"]),),
                depths=(len(heads),),
                heads=tuple(sorted(set(heads))),
                ratios=tuple(sorted(set(ratios))),
            )
        return self

    def graphs(self, codes: Codes) -> Graphs:
        """A chain of patches, width, and a node for every block with its heads and ratio."""
        reached = self.slots.reached_of(codes)
        slots = range(self._first, len(self.choices), 2)
        labels = [np.array([f"p{patches}" for patches in self.patches])] if self.patches else []
        labels += [np.array([f"w{width}" for width in self.widths]), *([np.array(self.operations)] * len(slots))]
        ends = [*range(self._first - 1)]
        blocks = codes[:, slots] * len(self.ratios) + codes[:, [slot + 1 for slot in slots]]
        return chain_graphs(labels, np.concatenate([codes[:, ends], blocks], axis=1), reached[:, [*ends, *slots]])

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """Heads and ratio of a block: ``h2r1``, ``h2r2``, ..."""
        return tuple(f"h{heads}r{ratio:g}" for heads in self.heads for ratio in self.ratios)

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        """How many blocks there are of every number of heads and ratio."""
        blocks = [f"h{heads}r{ratio:g}" for heads, ratio in self._blocks(self.chosen(architecture))]
        return {operation: blocks.count(operation) for operation in self.operations}


def _blocks_of(found: re.Match[str]) -> list[tuple[int, float]]:
    """Heads and ratio of every block of a text."""
    pairs = [block.strip().removeprefix("h").split("r") for block in found["blocks"].split("|")]
    return [(int(heads), float(ratio)) for heads, ratio in pairs]


def _hidden(width: int, ratio: float) -> int:
    """Width between the two layers of an MLP."""
    return max(1, round(width * ratio))


def _everywhere(signature: Signature) -> bool:
    """Whether there is an output for every pixel or position of the input."""
    inputs, outputs = signature.inputs, signature.outputs
    return (
        outputs[1:] == inputs[1:] and len(outputs) == 3
        if len(inputs) == 3
        else outputs[:1] == inputs[:1] and len(outputs) == 2
    )


def _divisors(side: int) -> list[int]:
    return [number for number in range(2, side + 1) if side % number == 0][:3] or [1]
