"""Stages that start with another supernet: deeper, with fewer operations, wider, or with other parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from ranknosh.streams import torch_seed
from supernet.part import Composition, Running, Stage, Transform


@dataclass(frozen=True)
class Restage(Transform):
    """Prunes operations, changes parts of the method, and builds the supernet again.

    Args:
        blocks: Blocks of the new supernet: its cells and what stands between them; None for as many as before.
        keep: Operations of largest mean weight that every mixed edge keeps, or below 1 their share of the most
            operations on any edge (two at least); None for all. With ``groups``, as many of each group.
        groups: Disjoint lists of names; an edge keeps what it has of a group.
        changes: Fields of :class:`supernet.method.Method` with their new values.
        fresh_alphas: Draw the architecture parameters again.
        inherit: Carry weights and momentum over, new channels being copies of random old ones (:func:`widened`);
            without it weights are fresh.
    """

    blocks: int | None = None
    keep: float | None = None
    groups: tuple[tuple[str, ...], ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    fresh_alphas: bool = True
    inherit: bool = False

    def describe(self) -> str:
        words = [
            "" if self.blocks is None else f"{self.blocks} blocks",
            self._kept_words(),
            *(f"{name} {_words(value)}" for name, value in self.changes.items()),
            "weights widened" if self.inherit else "weights anew",
        ]
        return ", ".join(word for word in words if word)

    def _kept_words(self) -> str:
        if self.keep is None:
            return ""
        if self.keep < 1:
            return f"{self.keep:.0%} of the operations"
        return f"{self.keep:g} operations an edge{' and group' if self.groups else ''}"

    def fitted(self, stages: tuple[Stage, ...], space: Relaxed) -> tuple[Stage, ...]:
        if self.keep is None or self.keep >= 1:
            return stages
        mine = replace(self, keep=max(2, round(self.keep * space.width)))
        # By identity: two stages may hold equal transforms.
        return tuple(replace(stage, enter=mine) if stage.enter is self else stage for stage in stages)

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if self.blocks is not None and space.deeper is None:
            return f"its stages have supernets of several depths, and those of {space.name} have one"
        return None

    def apply(self, search: Running) -> None:
        if self.keep is not None:
            self._prune(search, int(self.keep))
        old = search.net.state_dict()
        momentum = _momentum(search) if self.inherit else {}
        # Part of the seeds of weights and alphas: every rebuild draws new ones.
        search.rebuilds += 1
        self.rebuild(search)
        if self.fresh_alphas:
            search.draw_parameters()
        if self.inherit:
            self._carry_over(search, old, momentum)
        # The parameters may be new objects, and moments of the stage before mean nothing to them.
        search.method.alpha_optimiser.begin(search)

    def rebuild(self, search: Running) -> None:
        if self.blocks is not None:
            assert search.space.deeper is not None  # fitted refuses others
            search.space = search.space.deeper(self.blocks)
        if self.changes:
            search.change(self.changes)
            for value in self.changes.values():
                for part in value if isinstance(value, tuple) else (value,):
                    if hasattr(part, "begin"):
                        part.begin(search)
            search.draw_missing_parameters()
        search.build()

    def _prune(self, search: Running, keep: int) -> None:
        theta = search.mix("evaluation", detached=True).theta
        for kind in search.space.kinds:
            for edge in search.states.undecided(kind):
                names = search.space.candidates[kind][edge]
                allowed = search.states.places(kind)[edge]
                kept: list[int] = []
                for group in self.groups or (names,):
                    members = [place for place in allowed if names[place] in group]
                    kept += sorted(members, key=lambda place: (-float(theta[kind][edge, place]), place))[:keep]
                for place in allowed:
                    if place not in kept:
                        search.states.forbid(kind, edge, place)

    def _carry_over(self, search: Running, old: Mapping[str, Tensor], momentum: Mapping[str, Tensor]) -> None:
        generator = torch.Generator().manual_seed(torch_seed(search.seed, "widen", search.rebuilds))
        # Shared by weights and momentum, so that both copy the same channels.
        picks: dict[tuple[int, int], Tensor] = {}
        new = search.net.state_dict()
        search.net.load_state_dict(
            {name: widened(old[name], value, picks, generator) if name in old else value for name, value in new.items()}
        )
        for name, parameter in search.net.named_parameters():
            if name in momentum:
                state = search.optimiser.state[parameter]
                state["momentum_buffer"] = widened(momentum[name], parameter, picks, generator)


def widened(old: Tensor, like: Tensor, picks: dict[tuple[int, int], Tensor], generator: torch.Generator) -> Tensor:
    """``old`` in the shape of ``like``, new channels being copies of random old ones (Net2Wider, Chen et al., ICLR
    2016).

    Input channels (dimension 1) are divided by how often they are copied, so that sums over them stay.

    Args:
        old: Tensor of the narrow network.
        like: Tensor of the wide one; only its shape is used.
        picks: For ``(n, m)``: which of n channels each of m copies. Filled here and shared by all tensors, so that the
            inputs of a layer follow the outputs of the one before.
        generator: Source of new picks, on the CPU.

    Returns:
        A tensor of the shape of ``like``.
    """
    if old.shape == like.shape:
        return old
    for dimension in (0, 1):
        n, m = old.shape[dimension], like.shape[dimension]
        if n == m:
            continue
        if (n, m) not in picks:
            extra = torch.randint(n, (m - n,), generator=generator)
            picks[n, m] = torch.cat([torch.arange(n), extra])
        pick = picks[n, m].to(old.device)
        old = old.index_select(dimension, pick)
        if dimension == 1:
            copies = torch.bincount(pick, minlength=n)[pick].to(old.dtype)
            old = old / copies.reshape(1, -1, *[1] * (old.ndim - 2))
    return old


def _momentum(search: Running) -> dict[str, Tensor]:
    found = {}
    for name, parameter in search.net.named_parameters():
        buffer = search.optimiser.state.get(parameter, {}).get("momentum_buffer")
        if buffer is not None:
            found[name] = buffer
    return found


def _words(value: Any) -> str:
    parts = value if isinstance(value, tuple) else (value,)
    return " + ".join(part.describe() if hasattr(part, "describe") else str(part) for part in parts)
