"""The search of a supernet, as a run: prepared, worked at, read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.settings import Overrides
from ranknosh.config.supernet import SupernetSettings
from ranknosh.errors import SpaceError
from ranknosh.runs.events import Events
from ranknosh.runs.run import Prepared, Run
from ranknosh.runs.session import RunSession
from ranknosh.workflows.supernet.records import RECORDS, SupernetState

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.data.table import Table
    from ranknosh.spaces.base import Architecture
    from ranknosh.spaces.genotype import Genotype
    from ranknosh.workflows.supernet.assembly import Factory, SupernetParts
    from ranknosh.workflows.supernet.runner import Runner
    from supernet.space import CellSpace


class SupernetRun(Run[SupernetState]):
    """A supernet search as read from its folder. ``state`` holds its plans, its epochs and its result."""

    WORKFLOW = "supernet"
    SETTINGS = SupernetSettings
    RECORDS = RECORDS
    STATE = SupernetState
    settings: SupernetSettings

    @property
    def reason(self) -> str | None:
        return self.state.result.ended if self.state.result else None

    @property
    def exit_code(self) -> int:
        """0 where it ended with a result, 5 where time ended it before the epochs that were asked for."""
        result = self.state.result
        return 5 if result is None or result.capped else 0

    @property
    def cells(self) -> dict[str, tuple[int | None, ...]]:
        """The kept operation's place on every edge, by kind of cell: found, or derived last. Empty before the first epoch."""
        latest = self.state.latest
        return {kind: tuple(places) for kind, places in latest.cells.items()} if latest else {}

    @property
    def architecture(self) -> Architecture | None:
        """The cell as an architecture of NAS-Bench-201; None for another space, and before the first epoch."""
        from supernet.space import nasbench201_architecture

        here = self.header.facts["space"] == "nasbench201" and self.cells
        return nasbench201_architecture(self.cells) if here else None

    @property
    def genotype(self) -> Genotype | None:
        """The cells as a genotype; None for another notation, and for operations that genotypes do not name."""
        from ranknosh.spaces.genotype import parse

        text = self.state.latest.text if self.state.latest else ""
        try:
            return parse(text) if text.startswith("Genotype(") else None
        except SpaceError:
            return None

    def status(self) -> dict[str, Any]:
        """What was found so far at what cost."""
        state, result, latest = self.state, self.state.result, self.state.latest
        facts, plan = self.header.facts, state.plans[-1] if state.plans else None
        return {
            "method": self.settings.method.name,
            "composition": plan.composition if plan else facts["composition"],
            "space": facts["space"],
            "architecture": latest.text if latest else None,
            "cells": {kind: list(places) for kind, places in self.cells.items()},
            "skips": latest.skips if latest else None,
            "epochs": result.epochs if result else len(state.epochs),
            "planned_epochs": plan.epochs if plan else None,
            "ended": self.reason,
            "capped": bool(result and result.capped),
            "device_seconds": result.device_seconds if result else state.device_seconds,
            "wall_seconds": result.wall_seconds if result else self.seconds + state.trial_seconds,
            "peak_memory": dict(result.peak_memory) if result else {},
            "true_accuracy": latest.true_accuracy if latest else None,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The one cell that a search has, as a row."""
        names = ("architecture", "skips", "epochs", "true_accuracy")
        now = self.status()
        return [{name: now[name] for name in names}][:count] if self.state.latest else []

    def page(self) -> str:
        from ranknosh.workflows.supernet.page import render
        from ranknosh.workflows.supernet.view import SupernetView

        return render(SupernetView(self.folder.resolve().name, self.history))

    def removable(self) -> list[Path]:
        """The checkpoint of a search that has ended."""
        from ranknosh.workflows.supernet.checkpoint import NAME

        path = self.folder / NAME
        return [path] if self.ended and path.exists() else []

    def resume(self, overrides: Overrides = (), **rest: Any) -> SupernetRun:
        """As :meth:`ranknosh.runs.run.Run.resume`; the plan is that of the journal."""
        return super().resume(overrides, planned=True, **rest)

    @classmethod
    def prepare(
        cls,
        settings: SupernetSettings,
        events: Events,
        *,
        data: ImageData | None = None,
        method: Factory | None = None,
        space: CellSpace | None = None,
        table: Table | None = None,
        planned: bool = False,
        **given: Any,
    ) -> Prepared:
        """Load the images, check every part, and choose the number of epochs.

        Args:
            settings: of the search.
            events: hears of the timing of steps.
            data: takes the place of ``settings.data``.
            method: a function that takes epochs and returns a Method, in place of ``settings.method``.
            space: in place of ``settings.space``.
            table: in place of ``settings.table``.
            planned: leave the number of epochs to the session, which knows the journal.
            given: nothing else.
        """
        from ranknosh.data.table import Table
        from ranknosh.training.surroundings import resolve_device
        from ranknosh.workflows.supernet.assembly import parts_of
        from ranknosh.workflows.supernet.runner import Runner

        parts = parts_of(settings, data, method, space)
        known = table if table is not None or settings.table is None else Table.load(settings.table)
        runner = Runner(parts, resolve_device(settings.train.device), events, known)
        if not planned:
            with runner.surrounded():
                runner.choose_plan()
        images = {part: runner.data.count(part) for part in ("weights", "alphas")}
        return Prepared(
            stem=settings.method.name.rpartition(":")[2],
            parts=runner,
            data={**parts.images.facts, "images": images},
            facts=_facts(parts),
            fixed=("composition", "recipe", "space", "network"),
        )

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Search to the end or to an interruption."""
        runner: Runner = prepared.parts
        if self.ended:
            session.say("the search has ended; nothing is left to do")
            return
        with runner.surrounded():
            runner.run(session, self.header.id, self.state)


def _facts(parts: SupernetParts) -> dict[str, Any]:
    """What a header says of method, space and network, as plain JSON data."""
    method, space = parts.make(parts.config.budget.epochs).fitted(parts.space), parts.space
    return {
        "title": method.name,
        "source": method.source,
        "composition": method.composition(),
        "recipe": asdict(method.recipe),
        "space": space.name,
        "candidates": {kind: [list(names) for names in edges] for kind, edges in space.candidates.items()},
        "edges": {kind: [list(edge) for edge in space.topology(kind).edges] for kind in space.kinds},
        "network": asdict(parts.size),
    }
