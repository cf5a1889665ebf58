"""The state of every edge: mixed, fixed to one operation, or pruned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Cells, Relaxed

MIXED = -1
PRUNED = -2


class EdgeStates:
    """Which operations every edge still has.

    Attributes:
        allowed: (edges, operations) bool per kind, the operations an edge runs.
        decided: One number an edge, per kind: ``MIXED``, ``PRUNED`` (carries nothing), or the place of the operation
            fixed with weight 1.
        version: Grows with every change.
    """

    def __init__(self, space: Relaxed) -> None:
        self.space = space
        self.allowed: dict[str, Tensor] = {}
        self.decided: dict[str, list[int]] = {}
        self.version = 0
        self._places: dict[str, tuple[int, tuple[tuple[int, ...], ...]]] = {}
        for kind in space.kinds:
            names = space.candidates[kind]
            counts = torch.tensor([len(edge) for edge in names])
            self.allowed[kind] = torch.arange(space.width)[None, :] < counts[:, None]
            self.decided[kind] = [MIXED] * len(names)

    def kind_of(self, kind: str, edge: int) -> Literal["mixed", "fixed", "pruned"]:
        """The state of one edge in a word."""
        decision = self.decided[kind][edge]
        return "mixed" if decision == MIXED else "pruned" if decision == PRUNED else "fixed"

    def undecided(self, kind: str) -> list[int]:
        """Edges that still mix, in slot order."""
        return [edge for edge, decision in enumerate(self.decided[kind]) if decision == MIXED]

    def fix(self, kind: str, edge: int, place: int) -> None:
        """Decide an edge: it keeps one operation, with weight 1.

        Args:
            kind: Kind of the cell.
            edge: Index of the edge in slot order.
            place: Index of the operation on the edge.
        """
        self.decided[kind][edge] = place
        self.allowed[kind][edge] = False
        self.allowed[kind][edge, place] = True
        self.version += 1

    def prune(self, kind: str, edge: int) -> None:
        """Remove an edge from the cell."""
        self.decided[kind][edge] = PRUNED
        self.allowed[kind][edge] = False
        self.version += 1

    def forbid(self, kind: str, edge: int, place: int) -> None:
        """Remove one operation from an edge's mixture.

        Args:
            kind: Kind of the cell.
            edge: Index of the edge in slot order.
            place: Index of the operation on the edge.

        Raises:
            ValueError: It is the last operation of the edge.
        """
        self.allowed[kind][edge, place] = False
        if not bool(self.allowed[kind][edge].any()):
            self.allowed[kind][edge, place] = True
            raise ValueError(f"edge {edge} of the {kind} cell has no operation left; prune the edge instead")
        self.version += 1

    def decided_weights(self, kind: str, theta: Tensor) -> Tensor:
        """``theta`` (edges, operations) with the rows of decided edges replaced by constants: one-hot, or zeros."""
        decided = self.decided[kind]
        if all(decision == MIXED for decision in decided):
            return theta
        mixed = torch.tensor([decision == MIXED for decision in decided], device=theta.device)[:, None]
        constant = torch.zeros_like(theta)
        for edge, decision in enumerate(decided):
            if decision >= 0:
                constant[edge, decision] = 1
        return torch.where(mixed, theta, constant)

    def decided_factors(self, kind: str, factors: Tensor) -> Tensor:
        """``factors`` (edges,) with those of fixed edges 1 and of pruned ones 0, constants, as their weights are."""
        decided = torch.tensor(self.decided[kind], device=factors.device)
        if bool((decided == MIXED).all()):
            return factors
        return torch.where(decided == MIXED, factors, (decided != PRUNED).to(factors.dtype))

    def places(self, kind: str) -> tuple[tuple[int, ...], ...]:
        """For every edge the places of the operations it runs."""
        # They come from tensors, which is slow to ask for in every pass: kept until a decision changes them.
        version, places = self._places.get(kind, (-1, ()))
        if version != self.version:
            places = tuple(tuple(row.nonzero().flatten().tolist()) for row in self.allowed[kind])
            self._places[kind] = (self.version, places)
        return places

    def executed(self, kind: str, chosen: Tensor | None) -> tuple[tuple[int, ...], ...]:
        """For every edge the places of the operations that a pass runs.

        Args:
            kind: Kind of the cell.
            chosen: What a relaxation drew, (edges,) places or (edges, operations) booleans; None for every allowed one.
        """
        places = self.places(kind)
        if chosen is None:
            return places
        # An edge with one operation left runs it whatever was drawn: a fixed edge has weight 1 in every pass.
        if chosen.ndim == 2:
            some = zip(chosen.tolist(), places, strict=True)
            return tuple(row if len(row) < 2 else tuple(p for p in row if runs[p]) for runs, row in some)
        picked = zip(chosen.tolist(), places, strict=True)
        return tuple(row if len(row) < 2 else (pick,) if pick >= 0 else () for pick, row in picked)

    def cells(self) -> Cells:
        """What is decided so far; None on mixed and pruned edges."""
        return {kind: tuple(d if d >= 0 else None for d in decided) for kind, decided in self.decided.items()}

    def state_dict(self) -> dict[str, object]:
        """Plain lists, for a checkpoint."""
        return {
            "allowed": {kind: mask.tolist() for kind, mask in self.allowed.items()},
            "decided": {kind: list(decided) for kind, decided in self.decided.items()},
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Resume from :meth:`state_dict`."""
        allowed, decided = state["allowed"], state["decided"]
        assert isinstance(allowed, Mapping)
        assert isinstance(decided, Mapping)
        self.allowed = {kind: torch.tensor(mask, dtype=torch.bool) for kind, mask in allowed.items()}
        self.decided = {kind: list(row) for kind, row in decided.items()}
        self.version += 1
