"""A softmax within each group of operations."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.mix import Moment
from supernet.part import Composition, Running
from supernet.relaxations.base import Relaxation, masked_softmax
from supernet.schedules import Constant as _Constant
from supernet.schedules import Schedule

_ONE = _Constant(1.0)


@dataclass
class GroupedSoftmax(Relaxation):
    """Operations compete within their group only: ``theta`` of a group sums to 1 (DOTS, Gu et al., CVPR 2021, eq. 5).

    Args:
        groups: Disjoint lists of names, which together hold every operation of the space.
        temperature: Divisor of the alphas, over the epochs of the stage.
    """

    groups: tuple[tuple[str, ...], ...]
    temperature: Schedule = _ONE
    _names: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict, repr=False, compare=False)

    def describe(self) -> str:
        return f"softmax in {len(self.groups)} groups"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        known = [name for group in self.groups for name in group]
        homeless = {name for edges in space.candidates.values() for names in edges for name in names} - set(known)
        if homeless:
            return f"the groups do not hold {', '.join(sorted(homeless))}; give every operation of the space a group"
        return None

    def begin(self, search: Running) -> None:
        self._names = dict(search.space.candidates)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        logits = alphas / self.temperature(moment.stage_epoch, moment.stage_epochs)
        parts = [masked_softmax(logits, allowed & self._members(group, moment.kind, allowed)) for group in self.groups]
        return torch.stack(parts).sum(dim=0)

    def _members(self, group: tuple[str, ...], kind: str, allowed: Tensor) -> Tensor:
        rows = torch.zeros_like(allowed)
        for edge, names in enumerate(self._names[kind]):
            for place, name in enumerate(names):
                rows[edge, place] = name in group
        return rows
