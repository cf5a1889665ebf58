"""The base of parts that change the skip connections of a mixture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ranknosh.spaces.nets.ops import source_maps
from ranknosh.spaces.nets.skeleton import EdgeContext
from supernet.edges import EdgePart, MakeNamed
from supernet.mix import Current, Mix

SKIP = "skip_connect"


@dataclass(frozen=True)
class SkipChange(EdgePart):
    """Changes the output of ``skip_connect`` in weight and architecture passes, whatever its weight; not in evaluation."""

    def changed(self, x: Tensor, mix: Mix) -> Tensor:
        """``x`` (n, c, h, w) changed; ``x`` itself, untouched, where nothing changes now."""
        raise NotImplementedError

    def applies(self, skip: nn.Module) -> bool:
        """Whether a skip connection is changed at all."""
        return True

    def operation(self, name: str, context: EdgeContext, make: MakeNamed, current: Current) -> nn.Module | None:
        made = make(name, context)
        if made is None or name != SKIP or not self.applies(made):
            return made
        return ChangedSkip(made, self, current)


class ChangedSkip(nn.Module):
    """A skip connection followed by the change."""

    def __init__(self, inner: nn.Module, part: SkipChange, current: Current) -> None:
        super().__init__()
        self.inner, self.part, self.current = inner, part, current
        self.takes = source_maps(inner)

    def forward(self, *mapped: Tensor) -> Tensor:
        out: Tensor = self.inner(*mapped)
        mix = self.current.mix
        return out if mix.moment.phase == "evaluation" else self.part.changed(out, mix)
