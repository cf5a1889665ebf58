"""What readers of finals ask of them: their page, and the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ranknosh.config.retrain import FinalsSettings
from ranknosh.config.units import Quantity
from ranknosh.runs.journal import FILE, DamagedLine, History, damaged
from ranknosh.runs.run import Run
from ranknosh.workflows.finals.records import RECORDS, FinalsState, FinalTrained, Standing, standings


class FinalsView(Run[FinalsState]):
    """Finals as read from their folder."""

    WORKFLOW = "finals"
    SETTINGS = FinalsSettings
    RECORDS = RECORDS
    STATE = FinalsState
    FACTS = ("metrics", "ranked", "architectures")
    settings: FinalsSettings

    def __init__(self, folder: Path, history: History) -> None:
        super().__init__(folder, history)
        for number, record in enumerate(history.records, 2):
            if isinstance(record, FinalTrained) and not 1 <= record.number <= len(self.texts):
                why = f"it speaks of architecture {record.number}, and line 1 names {len(self.texts)}"
                raise damaged(self.folder / FILE, DamagedLine(number, why))

    @property
    def metric(self) -> Quantity:
        """The metric of validation that picks."""
        return Quantity.ranked(self.header.facts)

    @property
    def texts(self) -> Sequence[str]:
        """The architectures, as their space writes them."""
        found: Sequence[str] = self.header.facts["architectures"]
        return found

    @property
    def standings(self) -> list[Standing]:
        """Every architecture, the best first."""
        return standings(self.state.trained, len(self.texts), self.metric)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All trainings, by architecture and seed: every architecture with the first seed, then with the next."""
        seeds = range(self.settings.seed, self.settings.seed + self.settings.seeds)
        return [(number, seed) for seed in seeds for number in range(1, len(self.texts) + 1)]
