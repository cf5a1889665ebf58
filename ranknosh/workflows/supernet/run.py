"""The search of a supernet, as a run: begun from Python, prepared, worked at, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import duration_text
from ranknosh.errors import SpaceError
from ranknosh.runs.events import Events
from ranknosh.runs.folder import Waste
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.session import RunSession, StopRequest
from ranknosh.spaces.catalog import DEFAULT
from ranknosh.workflows.search.given import begun
from ranknosh.workflows.supernet.records import CHECKPOINT
from ranknosh.workflows.supernet.view import SupernetView

if TYPE_CHECKING:
    from ranknosh.spaces.base import Architecture
    from ranknosh.spaces.genotype import Genotype
    from ranknosh.tasks.data.table import Table
    from ranknosh.workflows.search.given import GivenData, GivenSpace, GivenTask
    from ranknosh.workflows.supernet.assembly import Factory, SupernetParts


class SupernetRun(SupernetView):
    """A supernet search that can be worked at. ``state`` holds its plans, its epochs and its result."""

    @property
    def reason(self) -> str | None:
        return self.state.result.ended if self.state.result else None

    @property
    def exit_code(self) -> int:
        """0 where it ended with a result, 5 where time ended it before the epochs that were asked for."""
        result = self.state.result
        return 5 if result is None or result.capped else 0

    @property
    def architecture(self) -> Architecture | None:
        """What was found, as an architecture of the space; None where it is none of it, and before the first epoch."""
        try:
            return self.settings.space.make().parse(self.state.latest.text) if self.state.latest else None
        except SpaceError:  # a node that keeps fewer edges than those of the space do
            return None

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
            "space": self.settings.space.name,
            "architecture": latest.text if latest else None,
            "cells": {kind: list(places) for kind, places in state.cells.items()},
            "skips": latest.skips if latest and self.may_skip else None,
            "epochs": result.epochs if result else len(state.epochs),
            "planned_epochs": plan.epochs if plan else None,
            "ended": self.reason,
            "capped": bool(result and result.capped),
            "device_seconds": result.device_seconds if result else state.device_seconds,
            "wall_seconds": result.wall_seconds if result else self.seconds + state.trial_seconds,
            "peak_memory": dict(result.peak_memory) if result else {},
            "truth": latest.truth if latest else None,
            "table": self.table_data if latest and latest.truth is not None else None,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The one cell that a search has, as a row."""
        names = ("architecture", "skips", "epochs", "truth", "table")
        now = self.status()
        return [{name: now[name] for name in names}][:count] if self.state.latest else []

    def page(self) -> str:
        from ranknosh.workflows.supernet.page import render

        return render(self)

    def waste(self, everything: bool) -> list[Waste]:
        """The checkpoint of a search that has ended."""
        found, path = super().waste(everything), self.folder / CHECKPOINT
        if self.ended and path.exists():
            found.append(Waste(str(path), path.stat().st_size, "the run has ended", path.unlink))
        return found

    @classmethod
    def prepare(cls, settings: SupernetSettings, events: Events, **given: Any) -> Prepared:
        """Load the data, check every part, and choose the number of epochs, which ``resumed`` leaves to the journal.

        ``data`` (or a task with its data), ``method``, ``space`` and ``table`` take the place of what the settings name.
        """
        from ranknosh.tasks.data.table import Table
        from ranknosh.workflows.supernet.assembly import parts_of
        from ranknosh.workflows.supernet.runner import first_plan, surrounded

        parts = parts_of(settings, given.get("data"), given.get("method"), given.get("space"))
        table = given.get("table")
        if table is None and settings.table is not None:
            table = Table.load(settings.table)
        planned = None
        if not given.get("resumed"):
            with surrounded(parts):
                planned = first_plan(parts, events)
        examples = {part: parts.data.count(part) for part in ("weights", "alphas")}
        return Prepared(
            stem=settings.method.name.rpartition(":")[2],
            parts=(parts, planned, table),
            data={**parts.task.facts, "examples": examples},
            facts=_facts(parts),
            fixed=("composition", "recipe", "space"),
        )

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Search to the end or to an interruption."""
        from ranknosh.workflows.supernet.runner import Runner, surrounded

        if self.ended:
            session.say("the search has ended; nothing is left to do")
            return
        parts, planned, table = prepared.parts
        with surrounded(parts):
            Runner(session, self.state, parts, planned, table).run()


def _facts(parts: SupernetParts) -> dict[str, Any]:
    """What a header says of method, space and task, as plain JSON data."""
    from ranknosh.workflows.supernet.assembly import judge_of

    method, space = parts.make(parts.config.budget.epochs).fitted(parts.space), parts.space
    return {
        "title": method.name,
        "source": method.source,
        "composition": method.composition(),
        "recipe": asdict(method.recipe),
        "space": space.name,
        "metrics": parts.task.quantities,
        "ranked": judge_of(parts.task, parts.device).name,
        "candidates": {kind: [list(names) for names in edges] for kind, edges in space.candidates.items()},
        "edges": {kind: [list(edge) for edge in space.topology(kind).edges] for kind in space.kinds},
    }


def search_supernet(
    method: str | Factory = "darts",
    space: GivenSpace = DEFAULT,
    data: GivenData | None = None,
    *,
    task: GivenTask | None = None,
    epochs: int | None = None,
    device_seconds: float | None = None,
    options: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    table: Table | Path | str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    command: str = "search_supernet(...)",
    **settings: Any,
) -> SupernetRun:
    """Search ``space`` with a supernet and return the finished run.

    Args:
        method: a name of ``supernet.methods.METHODS``, ``module:function``, or a function of ``epochs`` and ``options`` that
            returns a Method.
        space: a name, a mapping as under ``space:`` in a config, a Space of your own, or a class of modules that says what is
            searched.
        data: as for :func:`ranknosh.search`, the cluttered digits by default; its training examples alone are used, half of
            them for the architecture.
        task: what is learned, as for :func:`ranknosh.search`.
        epochs: of the whole search, None for the published number.
        device_seconds: a budget. Without ``epochs`` their number is chosen beforehand so that the schedule ends with it, with
            ``epochs`` it cuts the schedule off.
        options: arguments of the method other than the epochs.
        folder: instead of ``out`` and ``name``, which default to ``runs/`` and to the method and the next free number.
        table: finished trainings to annotate every epoch's cell with.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked after every epoch whether to save and leave.
        command: for the journal.
        settings: further settings and sections of a config: ``seed`` (of weights, alphas and order), ``split_seed``, ``out``,
            ``name``, ``recipe``, ``train``, ``watch``.

    Returns:
        The run; ``ranknosh.open_run(folder).resume()`` works on where one was left.

    Raises:
        ConfigError: for a setting that breaks a rule, and for a folder that holds a run.
        DataError: for data that cannot be used.
        BudgetTooSmall: where not one epoch fits.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    name = method if isinstance(method, str) else getattr(method, "__name__", type(method).__name__)
    seconds = None if device_seconds is None else duration_text(device_seconds)
    file = str(table) if isinstance(table, (str, Path)) else None
    wanted = {
        "method": {"name": name, "options": dict(options or {})},
        "budget": {"epochs": epochs, "time": seconds},
        "table": file,
        **settings,
    }
    return begun(
        SupernetRun,
        wanted,
        space,
        data,
        task,
        command=command,
        events=events,
        stop=stop,
        folder=folder,
        method=None if isinstance(method, str) else method,
        table=None if file else table,
    )
