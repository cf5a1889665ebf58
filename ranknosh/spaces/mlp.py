"""Networks of linear layers for tables: how many layers, the width of each, and what stands between them."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ranknosh.spaces.base import Architecture
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.settings import flags, one_of, rising, rising_whole, several
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.slots import Condition, deeper

if TYPE_CHECKING:
    from torch import nn

ACTIVATIONS = ("relu", "gelu", "silu", "tanh")
NORMS = ("none", "batch", "layer")
_TEXT = re.compile(
    rf"(?P<activation>{'|'.join(ACTIVATIONS)})( +(?P<norm>{'|'.join(NORMS[1:])}))?( +d(?P<dropout>\d{{0,9}}\.?\d{{1,20}}))?"
    r"( +(?P<residual>res))? *\| *(?P<widths>\d{1,9}( *\| *\d{1,9})*)"
)


@dataclass(frozen=True)
class MlpSpace(ConditionalSpace):
    """The space ``mlp``, for inputs that are rows of numbers (others are laid out in a row).

    Args:
        depths: how many hidden layers there may be.
        widths: of a hidden layer.
        activations: some of relu, gelu, silu, tanh.
        norms: some of none, batch, layer; between a linear layer and its activation.
        dropouts: chances with which an element is left out behind a hidden layer.
        residual: false and true, or one of them: whether hidden layers add what came in.
    """

    depths: tuple[int, ...] = (1, 2, 3, 4)
    widths: tuple[int, ...] = (16, 32, 64, 128)
    activations: tuple[str, ...] = ("relu", "gelu", "tanh")
    norms: tuple[str, ...] = ("none", "batch", "layer")
    dropouts: tuple[float, ...] = (0.0, 0.1, 0.3)
    residual: tuple[bool, ...] = (False, True)

    name = "mlp"
    gentle = True

    def __post_init__(self) -> None:
        checked: dict[str, tuple[Any, ...]] = {
            "depths": rising_whole("depths", self.depths),
            "widths": rising_whole("widths", self.widths),
            "activations": several("activations", self.activations),
            "norms": several("norms", self.norms),
            "dropouts": rising("dropouts", self.dropouts, 0, 0.99),
            "residual": flags("residual", self.residual),
        }
        for name, values in checked.items():
            object.__setattr__(self, name, values)  # a list of a config becomes a tuple
        for name, known in (("activations", ACTIVATIONS), ("norms", NORMS)):
            for option in checked[name]:
                one_of(f"an option of {name}", option, known)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:  # type: ignore[override]
        """What all hidden layers share, depth, then the width of every layer."""
        return (
            Choice("activation", self.activations),
            Choice("norm", self.norms),
            Choice("dropout", self.dropouts, ordered=True),
            Choice("residual", self.residual),
            Choice("depth", self.depths, ordered=True),
            *(Choice(f"layer{layer}.width", self.widths, ordered=True) for layer in range(1, self.depths[-1] + 1)),
        )

    @cached_property
    def conditions(self) -> tuple[Condition | None, ...]:  # type: ignore[override]
        """A layer is reached at the depths that have it."""
        return (None,) * 5 + tuple(deeper(4, self.depths, layer) for layer in range(self.depths[-1]))

    def network(self, architecture: Architecture, signature: Signature) -> "nn.Module":
        """The network of an architecture, see :class:`~ranknosh.spaces.nets.mlp.Mlp`.

        Args:
            architecture: of this space.
            signature: inputs are numbers, of any shape; so are outputs.

        Raises:
            SpaceError: the architecture is not of this space, or inputs are tokens.
        """
        from ranknosh.spaces.nets.mlp import Mlp

        taken = self.decode(architecture)
        signature.numbers(self.name)
        return Mlp(
            signature.inputs,
            [taken[f"layer{layer}.width"] for layer in range(1, taken["depth"] + 1)],
            signature.outputs,
            activation=taken["activation"],
            norm=taken["norm"],
            dropout=taken["dropout"],
            residual=taken["residual"],
        )

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text has the form that :meth:`format` writes."""
        return _TEXT.fullmatch(text.strip()) is not None

    def format(self, architecture: Architecture) -> str:
        """``relu batch d0.1 res | 32 | 64``: what all layers share (no word for no norm, no dropout, no shortcuts), then the
        width of each. ``parse(format(a)) == a``."""
        taken = self.decode(architecture)
        words = [taken["activation"]]
        words += [taken["norm"]] if taken["norm"] != "none" else []
        words += [f"d{taken['dropout']:g}"] if taken["dropout"] else []
        words += ["res"] if taken["residual"] else []
        return " | ".join([" ".join(words), *(str(taken[name]) for name in taken if name.endswith(".width"))])

    def _read(self, text: str) -> Architecture:
        """A text as :meth:`format` gives it, or a JSON object."""
        if text.startswith("{"):
            return super()._read(text)
        found = _TEXT.fullmatch(text)
        if not found:
            raise ValueError(
                "it has an activation, norm, dropout and res where there are any, then widths with | between"
            )
        widths = [int(width) for width in found["widths"].split("|")]
        return self.locate(
            {
                "activation": found["activation"],
                "norm": found["norm"] or "none",
                "dropout": float(found["dropout"] or 0),
                "residual": found["residual"] is not None,
                "depth": len(widths),
                **{f"layer{layer}.width": width for layer, width in enumerate(widths, start=1)},
            }
        )
