"""Search methods under one budget, as a run: methods times seeds, each search and each final training done once."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from ranknosh.config.search import CompareSettings
from ranknosh.config.units import human_duration
from ranknosh.errors import BudgetTooSmall, ConfigError, DataError, StoreError
from ranknosh.report.words import counted
from ranknosh.runs.events import Events, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import Prepared, Run, Waste
from ranknosh.runs.session import RunSession
from ranknosh.training.surroundings import resolve_device
from ranknosh.training.timing import measure
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.comparison import TASK, Turn
from ranknosh.workflows.compare.methods import make_methods
from ranknosh.workflows.compare.records import RECORDS, CompareState
from ranknosh.workflows.compare.rows import Row, as_dict, rows_of
from ranknosh.workflows.compare.text import markdown
from ranknosh.workflows.search.assembly import build_parts

TABLE, RESULTS = "table.md", "results.json"


class CompareRun(Run[CompareState]):
    """A comparison as read from its folder."""

    WORKFLOW = "compare"
    SETTINGS = CompareSettings
    RECORDS = RECORDS
    STATE = CompareState
    settings: CompareSettings

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """A row a method, the best mean validation accuracy first."""
        from ranknosh.data.table import Table

        settings, table = self.settings, None
        if settings.table is not None:
            with suppress(DataError):  # a table that lies elsewhere by now leaves true accuracies unknown
                table = Table.load(settings.table, settings.space.name)
        return rows_of(self.state, settings, table)

    @property
    def reason(self) -> str | None:
        for pair in self.settings.pairs:
            searched = self.state.searched.get(pair)
            if searched is None or (searched.architecture is not None and self.state.final(searched) is None):
                return None
        return f"{counted(len(self.settings.methods), 'method')} compared under {counted(self.settings.seeds, 'seed')} each"

    @property
    def exit_code(self) -> int:
        """0 where every search has ended and anything found could be trained, else 5."""
        known = any(final.validation is not None for final in self.state.trained.values())
        return 0 if self.ended and known else 5

    def status(self) -> dict[str, Any]:
        settings, best = self.settings, self.top(1)
        return {
            "space": settings.space.name,
            "methods": list(settings.methods),
            "seeds": settings.seeds,
            "budget_seconds": settings.budget_seconds,
            "searches": len(settings.pairs),
            "searched": sum(pair in self.state.searched for pair in settings.pairs),
            "final_trainings": len(self.state.trained),
            "best": best[0] if best else None,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        """The best methods by mean validation accuracy."""
        return [
            {
                "method": row.method,
                "repeats": len(row.runs),
                "validation": row.spread("validation").mean,
                "validation_error": row.spread("validation").error,
                "test": row.spread("test").mean,
                "search_device_seconds": row.spread("cost").mean,
            }
            for row in self.rows[:count]
        ]

    def page(self) -> str:
        from ranknosh.workflows.compare.page import render

        return render(self.folder.resolve().name, self.header, self.sessions, self.settings, self.rows)

    def report(self) -> Path:
        """Write table.md, results.json and report.html anew and return the path of the page."""
        write_atomic(self.folder / TABLE, markdown(self.rows, self.settings).encode())
        found = json.dumps(self.results(), indent=1, allow_nan=False)
        write_atomic(self.folder / RESULTS, (found + "\n").encode())
        return super().report()

    def results(self) -> dict[str, Any]:
        """Everything as plain data: what results.json holds and ``--json`` prints."""
        settings, data = self.settings, self.header.data
        return {
            "folder": str(self.folder),
            "settings": {
                "budget": settings.to_dict()["budget"]["device_time"],
                "final_epochs": settings.whole_epochs,
            },
            "methods": list(settings.methods),
            "seeds": settings.seeds,
            "table": settings.table,
            "space": settings.space.name,
            "data": {name: data[name] for name in ("name", "fingerprint", "images")},
            "rows": as_dict(self.rows),
        }

    def waste(self, everything: bool) -> list[Waste]:
        """What searches and final trainings leave, once all have ended."""
        inner = [open_run(path.parent) for path in sorted(self.folder.glob(f"*/*/{FILE}"))] if self.ended else []
        return [*super().waste(everything), *(each for run in inner for each in run.waste(everything))]

    @classmethod
    def prepare(cls, settings: CompareSettings, events: Events, **given: Any) -> Prepared:
        """Load the images, make the methods, and check every part and, unless ``resumed``, that the budget holds a training.

        ``data`` takes the place of what the settings name; ``stem``: of an automatic name.
        """
        from ranknosh.data.table import Table

        if settings.executor.name != "inline":
            raise ConfigError(
                f"executor.name is {settings.executor.name}, but a comparison counts the seconds of one device: give --set "
                "executor.name=inline"
            )
        methods = make_methods(settings.methods, settings.space.name)
        if settings.table is not None:
            Table.load(settings.table, settings.space.name)  # raises where it cannot be read
        parts = build_parts(settings.search, given.get("data"))
        if not given.get("resumed"):
            timing = measure(parts.space, parts.task, settings.seeding, settings.seed, places=(0.5,))
            check_budget(settings, timing.typical, timing.proxy_seconds)
        data = parts.task.data
        return Prepared(given.get("stem", "compare"), (data, methods), data.facts, {"space": parts.space.name})

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Do what is missing; the outputs are written whatever ends it."""
        (data, methods), total = prepared.parts, len(self.settings.pairs)
        session.began(str(resolve_device(self.settings.train.device)))
        try:
            for number in range(1, total + 1):
                Turn(session, self.settings, self.state, data, methods, number).take()
            session.events(Progress(TASK, total, total))
        except BaseException:
            with suppress(StoreError):  # the error that ended it is the one to be seen
                self.read(self.folder).report_if_possible(session.events)
            raise


def check_budget(settings: CompareSettings, epoch_seconds: float, proxy_seconds: float) -> None:
    """Check that the budget holds a full training, and for ``ranknosh`` proxy scoring and a first training after it.

    Args:
        settings: of the comparison.
        epoch_seconds: of a network of middle size.
        proxy_seconds: of the train-free scores of one.

    Raises:
        BudgetTooSmall: where it does not.
    """
    epochs, budget, drawn = settings.pyramid.epochs, settings.budget_seconds, settings.seeding.draw
    full, scoring = epochs[-1] * epoch_seconds, drawn * proxy_seconds
    if budget < full:
        enough = 10 * full
        several = f"{int(enough // 60) + 1}m" if enough > 60 else f"{int(enough) + 1}s"
        raise BudgetTooSmall(
            f"--budget is {human_duration(budget)}, but one training of {epochs[-1]} epochs, the top level, takes about "
            f"{human_duration(full)} here; give several times that, for example --budget {several}"
        )
    if "ranknosh" in settings.methods and budget < scoring + epochs[0] * epoch_seconds:
        raise BudgetTooSmall(
            f"--budget is {human_duration(budget)}, but the train-free scores of {drawn} architectures alone take about "
            f"{human_duration(scoring)} here; raise --budget or lower seeding.draw"
        )
