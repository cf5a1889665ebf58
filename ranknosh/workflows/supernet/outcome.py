"""What a supernet search leaves: a line an epoch, and a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranknosh.spaces.base import Architecture
    from ranknosh.spaces.genotype import Genotype
    from supernet.search import EpochReport


@dataclass(frozen=True)
class Plan:
    """How the number of epochs was chosen: ``asked`` of the method, which makes it ``epochs`` (a method may have its own rule).

    ``composition``: the method's line with them. ``source``: ``given``, ``trial`` (steps timed before the search), or ``first
    epochs`` (corrected by what those took). ``epoch_seconds``: the mean that was expected, ``selection_seconds``: of the end,
    ``stage_epochs``: seconds of an epoch by [stage, whether it trains weights only]. ``trial_seconds``: what the timing took; it
    is taken off the budget.
    """

    asked: int | None
    epochs: int
    composition: str
    source: str
    budget_seconds: float | None = None
    epoch_seconds: float | None = None
    selection_seconds: float = 0.0
    trial_seconds: float = 0.0
    stage_epochs: tuple[tuple[int, bool, float], ...] = ()

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Plan:
        return cls(**{**row, "stage_epochs": tuple((s, w, seconds) for s, w, seconds in row.get("stage_epochs", ()))})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; :meth:`from_dict` gives back an equal plan."""
        return {**asdict(self), "stage_epochs": [list(row) for row in self.stage_epochs]}


@dataclass(frozen=True)
class Result:
    """The last line of a journal.

    ``cells[kind]``: the kept operation's place on every edge, None for none; ``text`` in the field's format. ``skips``: skip
    connections. ``capped``: time ended it before the epochs that were asked for. ``device_seconds``: of epochs and selection;
    ``lost_seconds``: of epochs done again after an interruption, not in it. ``wall_seconds``: all sessions, the timing before
    the first included. ``peak_memory``: bytes of the ``process``, and of the ``device`` where that is CUDA.
    ``true_accuracy``: a fraction, None where no table knows it. ``diagnostics``: ``landscape`` (see
    ``supernet.diagnostics.Landscape``) where it was asked for; its time is not device time.
    """

    cells: dict[str, list[int | None]]
    text: str
    skips: int
    epochs: int
    ended: str
    capped: bool
    device_seconds: float
    selection_seconds: float
    lost_seconds: float
    wall_seconds: float
    peak_memory: dict[str, int]
    true_accuracy: float | None = None
    diagnostics: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; ``Result(**d)`` gives it back."""
        return asdict(self)


@dataclass(frozen=True)
class SupernetOutcome:
    """How a search ended. ``architecture`` is set for NAS-Bench-201, ``genotype`` for the DARTS spaces; else both are None.

    ``capped``: time ended it before the epochs that were asked for. The other numbers are those of :class:`Result`.
    """

    method: str
    composition: str
    space: str
    cells: dict[str, tuple[int | None, ...]]
    text: str
    architecture: Architecture | None
    genotype: Genotype | None
    skips: int
    epochs: int
    planned_epochs: int
    ended: str
    capped: bool
    device_seconds: float
    wall_seconds: float
    peak_memory: dict[str, int]
    true_accuracy: float | None
    history: tuple[EpochReport, ...]
    true_accuracies: tuple[float | None, ...]
    folder: Path

    def summary(self) -> dict[str, Any]:
        """For programs: everything but the history, as plain JSON data."""
        return {
            "method": self.method,
            "composition": self.composition,
            "space": self.space,
            "architecture": self.text,
            "cells": {kind: list(places) for kind, places in self.cells.items()},
            "skips": self.skips,
            "epochs": self.epochs,
            "planned_epochs": self.planned_epochs,
            "ended": self.ended,
            "capped": self.capped,
            "device_seconds": self.device_seconds,
            "wall_seconds": self.wall_seconds,
            "peak_memory": dict(self.peak_memory),
            "true_accuracy": self.true_accuracy,
            "folder": str(self.folder),
        }
