"""What the journal of a supernet search holds, as plots and pages ask for it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import Quantity
from ranknosh.runs.journal import FILE, DamagedLine, History, damaged
from ranknosh.runs.run import Run
from ranknosh.spaces.topology import independent
from ranknosh.workflows.supernet.records import RECORDS, SupernetEpoch, SupernetResult, SupernetState

if TYPE_CHECKING:
    from ranknosh.spaces.relaxed import Edges

COLLAPSED = 0.5
"""Share of the derived normal cell's edges above which skip connections are called a collapse."""
RISEN = 1.0
"""Skip connections by which the last third of the epochs has to be above the first third to be called a rise."""


class SupernetView(Run[SupernetState]):
    """A supernet search as its page asks for it. Epochs of reports count from 0, those in words from 1."""

    WORKFLOW = "supernet"
    SETTINGS = SupernetSettings
    RECORDS = RECORDS
    STATE = SupernetState
    FACTS = ("title", "source", "composition", "recipe", "space", "metrics", "ranked", "candidates", "edges")
    settings: SupernetSettings

    def __init__(self, folder: Path, history: History) -> None:
        super().__init__(folder, history)
        for number, record in enumerate(history.records, 2):
            if isinstance(record, SupernetEpoch | SupernetResult) and not self._holds(record):
                why = "its cells are not of the candidates that line 1 names"
                raise damaged(self.folder / FILE, DamagedLine(number, why))

    def _holds(self, record: SupernetEpoch | SupernetResult) -> bool:
        """Whether what was kept, and what was measured of it, is of the candidates."""
        edges = self.candidates
        matrices = (record.theta, record.strength) if isinstance(record, SupernetEpoch) else ()
        return record.cells.keys() == edges.keys() and all(
            len(places) == len(edges[kind])
            and all(place is None or 0 <= place < len(names) for place, names in zip(places, edges[kind], strict=True))
            and all(len(each.get(kind, places)) == len(places) for each in matrices)
            for kind, places in record.cells.items()
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.header.facts

    @property
    def metric(self) -> Quantity:
        """What is judged on the training examples."""
        return Quantity.ranked(self.facts)

    @property
    def reports(self) -> list[SupernetEpoch]:
        """Epochs that count, in order."""
        return self.state.epochs

    @property
    def epochs(self) -> list[int]:
        """Epochs that are done, from 1."""
        return [report.epoch + 1 for report in self.reports]

    @property
    def loss(self) -> Quantity:
        """What the supernet learns by."""
        return self.quantities["loss"]

    @property
    def cell_kinds(self) -> tuple[str, ...]:
        return tuple(self.facts["candidates"])

    @property
    def candidates(self) -> dict[str, list[tuple[str, ...]]]:
        return {kind: [tuple(names) for names in edges] for kind, edges in self.facts["candidates"].items()}

    @property
    def edges(self) -> dict[str, list[tuple[int, int]]]:
        return {kind: [(int(a), int(b)) for a, b in edges] for kind, edges in self.facts["edges"].items()}

    def inputs(self, kind: str) -> int:
        """Nodes of a cell that no edge leads to."""
        return min(target for _, target in self.edges[kind])

    def operations(self, kind: str) -> tuple[str, ...]:
        """Every operation of a kind of cell, in the order of its first edge."""
        return tuple(dict.fromkeys(name for names in self.candidates[kind] for name in names))

    def kind_name(self, kind: str) -> str:
        return "reduction cell" if kind == "reduce" else f"{kind} cell"

    def edge_name(self, kind: str, edge: int) -> str:
        """``0 → 1``; ``edge 1`` where edges do not meet. Nodes of a cell of two inputs have the names of genotypes, from 0 after
        the inputs."""
        source, target = self.edges[kind][edge]
        if self.apart(kind):
            return f"edge {target}"
        if self.inputs(kind) == 2:
            names = {0: "c(k−2)", 1: "c(k−1)"}
            return f"{names.get(source, str(source - 2))} → {target - 2}"
        return f"{source} → {target}"

    def apart(self, kind: str) -> bool:
        """Whether the edges do not meet, as those of a chain of layers (:func:`ranknosh.spaces.topology.independent`)."""
        return len(self.edges[kind]) > 1 and tuple(self.edges[kind]) == independent(len(self.edges[kind])).edges

    @property
    def may_skip(self) -> bool:
        """Whether any edge may become a skip connection."""
        return any("skip_connect" in names for edges in self.candidates.values() for names in edges)

    @property
    def boundaries(self) -> list[int]:
        """Epochs (from 1) that are the last of their stage, the final one left out."""
        return [before.epoch + 1 for before, after in pairwise(self.reports) if before.stage != after.stage]

    @cached_property
    def space(self) -> Edges:
        """The names of the operations."""
        from ranknosh.spaces.relaxed import Edges

        return Edges(self.facts["space"], {kind: tuple(edges) for kind, edges in self.candidates.items()})

    def measured(self) -> dict[str, list[tuple[int, float]]]:
        """What monitors wrote down: name to (epoch from 1, value)."""
        found = defaultdict[str, list[tuple[int, float]]](list)
        for report in self.reports:
            for name, value in report.measured.items():
                if value is not None:
                    found[name].append((report.epoch + 1, value))
        return found

    def entropy(self, kind: str) -> list[float]:
        """Mean entropy of the edges' weights in nats after every epoch."""
        from supernet.diagnostics import entropies

        thetas = [[[weight or 0.0 for weight in row] for row in report.theta[kind]] for report in self.reports]
        return [mean(entropies(theta)) for theta in thetas]

    @property
    def most_entropy(self) -> float:
        """The entropy in nats where all operations of an edge weigh the same."""
        return max(math.log(len(names)) for edges in self.candidates.values() for names in edges)

    def skips(self, kind: str) -> list[int]:
        """Skip connections of the derived cell after every epoch."""
        count = self.space.count
        return [count({kind: tuple(report.cells[kind])}, "skip_connect", kind) for report in self.reports]

    def changes(self) -> list[int]:
        """Epochs (from 1) whose derived cell differs from that of the epoch before."""
        return [after.epoch + 1 for before, after in pairwise(self.reports) if before.text != after.text]

    def warnings(self) -> list[str]:
        """Signs of a collapse to skip connections, in words."""
        from supernet.diagnostics import collapse_warning

        if not self.reports:
            return []
        shown = [replace(report, epoch=report.epoch + 1) for report in self.reports]
        found = [collapse_warning(self.space, shown, COLLAPSED), self._rise()]
        return [text[0].upper() + text[1:] + "." for text in found if text is not None]

    def _rise(self) -> str | None:
        counts: Sequence[int] = [report.skips for report in self.reports]
        third = len(counts) // 3
        if third < 3:
            return None
        early, late = mean(counts[:third]), mean(counts[-third:])
        if late < early + RISEN:
            return None
        return (
            f"skip connections in the derived cell rose from {early:.1f} on average in the first third of the epochs to "
            f"{late:.1f} in the last third"
        )
