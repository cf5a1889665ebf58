"""A bound on the skip connections of a derived cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Cells
from supernet.part import AlphaGradients, Running
from supernet.selections.base import Selection, decode
from supernet.selections.magnitude import Magnitude

SKIP = "skip_connect"


@dataclass(frozen=True)
class SkipCap(Selection):
    """Cells by ``inner``, but the normal cell keeps at most ``most`` skip connections (P-DARTS, Chen et al., ICCV 2019,
    sec. 3.3).

    While there are more, the score of the weakest kept one is set to minus infinity and the cell is derived again. A
    skip connection stays where its edge has no other operation to keep.
    """

    most: int = 2
    inner: Selection = field(default_factory=Magnitude)

    def describe(self) -> str:
        return f"{self.inner.describe()}, at most {self.most} skips"

    def begin(self, search: Running) -> None:
        self.inner.begin(search)

    def before_epoch(self, search: Running) -> None:
        self.inner.before_epoch(search)

    def alpha_gradients(self, search: Running, gradients: AlphaGradients) -> None:
        self.inner.alpha_gradients(search, gradients)

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        return self.inner.scores(search)

    def derive(self, search: Running) -> Cells:
        # A copy: scores are changed below, and those of some selections are live tensors.
        scores = {kind: table.detach().clone() for kind, table in self.scores(search).items()}
        space, states = search.space, search.states
        cells = decode(space, states, scores)
        while space.count(cells, SKIP, "normal") > self.most:
            names = space.names("normal", cells)
            weakest = min(
                (edge for edge, name in enumerate(names) if name == SKIP and _has_other(search, edge)),
                key=lambda edge: float(scores["normal"][edge, space.candidates["normal"][edge].index(SKIP)]),
                default=None,
            )
            if weakest is None:
                break
            scores["normal"][weakest, space.candidates["normal"][weakest].index(SKIP)] = -torch.inf
            cells = decode(space, states, scores)
        return cells

    def state_dict(self) -> dict[str, Any]:
        return {"inner": self.inner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.inner.load_state_dict(state["inner"])


def _has_other(search: Running, edge: int) -> bool:
    names = search.space.candidates["normal"][edge]
    others = [
        place
        for place in search.states.places("normal")[edge]
        if names[place] != SKIP and names[place] not in search.space.excluded
    ]
    return bool(others)
