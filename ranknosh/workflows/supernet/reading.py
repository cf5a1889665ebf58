"""What a run folder says of the search that ended there."""

from __future__ import annotations

from pathlib import Path

from ranknosh.errors import SpaceError, StoreError
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.genotype import parse as parse_genotype
from ranknosh.workflows.supernet.journal import Record
from ranknosh.workflows.supernet.outcome import SupernetOutcome
from supernet.search import EpochReport
from supernet.space import nasbench201_architecture


def outcome_of(record: Record, folder: Path) -> SupernetOutcome:
    """Raises StoreError where the search has not ended."""
    result, method = record.result, record.header["method"]
    if result is None:
        raise StoreError(f"{folder} has not ended; go on with `ranknosh supernet --resume {folder}`")
    cells = {kind: tuple(places) for kind, places in result.cells.items()}
    reports = [dict(row) for row in record.epochs]
    truths = tuple(row.pop("true_accuracy", None) for row in reports)
    space = record.header["space"]
    return SupernetOutcome(
        method=method["name"],
        composition=record.plans[-1].composition,
        space=space,
        cells=cells,
        text=result.text,
        architecture=nasbench201_architecture(cells) if space == "nasbench201" else None,
        genotype=_genotype(result.text),
        skips=result.skips,
        epochs=result.epochs,
        planned_epochs=record.plans[-1].epochs,
        ended=result.ended,
        capped=result.capped,
        device_seconds=result.device_seconds,
        wall_seconds=result.wall_seconds,
        peak_memory=dict(result.peak_memory),
        true_accuracy=result.true_accuracy,
        history=tuple(EpochReport(**row) for row in reports),
        true_accuracies=truths,
        folder=folder,
    )


def _genotype(text: str) -> Genotype | None:
    """None for another notation, and for operations that genotypes do not name."""
    try:
        return parse_genotype(text) if text.startswith("Genotype(") else None
    except SpaceError:
        return None
