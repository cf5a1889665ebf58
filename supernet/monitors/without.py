"""Operations that are removed before a search."""

from __future__ import annotations

from dataclasses import dataclass

from ranknosh.spaces.relaxed import Relaxed
from supernet.part import Composition, Part, Running


@dataclass(frozen=True)
class Without(Part):
    """Removes operations from all mixtures before the first epoch; refuses spaces with edges that have nothing else."""

    operations: tuple[str, ...] = ("none",)

    def describe(self) -> str:
        return f"without {', '.join(self.operations)}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        edges = (names for kind in space.candidates.values() for names in kind)
        if all(set(names) - set(self.operations) for names in edges):
            return None
        return f"edges would have no operation left without {', '.join(self.operations)}"

    def begin(self, search: Running) -> None:
        for kind, edges in search.space.candidates.items():
            for edge in search.states.undecided(kind):
                for place, name in enumerate(edges[edge]):
                    if name in self.operations and bool(search.states.allowed[kind][edge, place]):
                        search.states.forbid(kind, edge, place)
