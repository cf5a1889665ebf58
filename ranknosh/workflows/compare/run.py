"""Search methods under one budget, as a run: methods times seeds, each search and each final training done once."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ranknosh.config.search import CompareSettings
from ranknosh.config.units import Quantity, human_duration, plural
from ranknosh.errors import ClusterError, ConfigError, DataError, RankNoshError, SpaceError, StoreError
from ranknosh.export.home import TakenHome
from ranknosh.runs.events import Epoch, Event, Events, Message, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.folder import Waste
from ranknosh.runs.journal import FILE
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.progress import View
from ranknosh.runs.run import Run
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.stock import home_of
from ranknosh.streams import torch_seed
from ranknosh.tasks.base import Task, ranked_by
from ranknosh.tasks.data.table import Table
from ranknosh.training.surroundings import resolve_device
from ranknosh.training.timing import measure
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.anytime import answers
from ranknosh.workflows.compare.compared import ComparedMethod, StockNetwork, check_stock
from ranknosh.workflows.compare.methods import check_budget, check_supernets, make_methods
from ranknosh.workflows.compare.outputs import csv_table, latex
from ranknosh.workflows.compare.records import RECORDS, CompareState, Cost, Searched, Trained, final_folder, folder_of
from ranknosh.workflows.compare.rows import Row, as_dict, findings_of, rows_of
from ranknosh.workflows.compare.text import markdown
from ranknosh.workflows.retrain.api import retrain
from ranknosh.workflows.retrain.recipes import recipe_of
from ranknosh.workflows.retrain.records import RetrainFailed
from ranknosh.workflows.search.assembly import build_parts

if TYPE_CHECKING:
    from ranknosh.export.finished import Finished
    from ranknosh.tasks.data import Data

TASK = "comparison"
TABLE, RESULTS, PLAIN, LATEX = "table.md", "results.json", "table.csv", "table.tex"


class CompareRun(Run[CompareState], TakenHome):
    """A comparison as read from its folder."""

    WORKFLOW = "compare"
    SETTINGS = CompareSettings
    RECORDS = RECORDS
    STATE = CompareState
    FACTS = ("metrics", "ranked")
    settings: CompareSettings

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """A row a method, the best mean on validation first."""
        settings, table = self.settings, None
        if settings.table is not None:
            with suppress(DataError):  # a table that lies elsewhere by now leaves what it knows unknown
                table = Table.load(settings.table, settings.space.name)
        name = self.metric.name
        return rows_of(self.state, settings, self.metric, table, lambda each: answers(self.folder / each.folder, name))

    @property
    def metric(self) -> Quantity:
        """What methods are judged by: what the task ranks by."""
        return Quantity.ranked(self.header.facts)

    @property
    def reason(self) -> str | None:
        space = self.settings.space.make()
        for pair in self.settings.pairs:
            searched = self.state.searched.get(pair)
            if searched is None or (searched.architecture is not None and self.state.final(searched, space) is None):
                return None
        return (
            f"{plural(len(self.settings.methods), 'method')} compared under {plural(self.settings.seeds, 'seed')} each"
        )

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
        """The best methods by their mean on validation."""
        return [
            {
                "method": row.method,
                "repeats": len(row.runs),
                "metrics": {row.metric.name: row.spread("validation").mean},
                "error": {row.metric.name: row.spread("validation").error},
                "test": {row.metric.name: row.spread("test").mean},
                "search_device_seconds": row.spread("cost").mean,
            }
            for row in self.rows[:count]
        ]

    def finished(
        self, candidate: int | str | None = None, where: Sequence[str] = (), data: Data | Task | None = None
    ) -> Finished:
        """The best network of a method, whose name is ``candidate``; of the best one by default."""
        from ranknosh.workflows.compare.finished import finished

        self.refuse_where(where)
        return finished(self, self.rows, self.metric, candidate, data)

    def page(self) -> str:
        from ranknosh.workflows.compare.page import render

        return render(self, self.settings, self.rows)

    def report(self) -> Path:
        """Write the tables, results.json and report.html anew and return the path of the page."""
        write_atomic(self.folder / TABLE, markdown(self.rows, self.settings, self.metric).encode())
        write_atomic(self.folder / PLAIN, csv_table(self.rows).encode())
        write_atomic(self.folder / LATEX, latex(self.rows, self.metric).encode())
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
            "metric": asdict(self.metric),
            "data": {name: data[name] for name in ("name", "fingerprint", "examples")},
            "rows": as_dict(self.rows),
            "findings": None if (found := findings_of(self.rows)) is None else asdict(found),
        }

    def waste(self, everything: bool) -> list[Waste]:
        """What searches and final trainings leave, once all have ended."""
        inner = [open_run(path.parent) for path in sorted(self.folder.glob(f"*/*/{FILE}"))] if self.ended else []
        return [*super().waste(everything), *(each for run in inner for each in run.waste(everything))]

    @classmethod
    def prepare(cls, settings: CompareSettings, events: Events, **given: Any) -> Prepared:
        """Load the data, make the methods, and check every part and, unless ``resumed``, that the budget holds a training.

        ``data``, or a task with its data, takes the place of what the settings name; ``stem``: of an automatic name.
        """
        if settings.executor.name != "inline":
            raise ConfigError(
                f"executor.name is {settings.executor.name}, but a comparison counts the seconds of one device: give --set "
                "executor.name=inline"
            )
        methods = make_methods(settings.methods, settings.space.make())
        table = None if settings.table is None else Table.load(settings.table, settings.space.name)
        parts = build_parts(settings.search, given.get("data"))
        task = parts.recipe.task
        check_supernets(methods, parts.recipe.space, task)
        check_stock(methods.values(), parts.recipe)
        if not given.get("resumed"):
            timing = measure(parts.recipe, settings.seeding, settings.seed, places=(0.5,))
            check_budget(settings, timing.typical, timing.proxy_seconds)
        facts = {"space": parts.recipe.space.title, "metrics": task.quantities, "ranked": ranked_by(task, "auto")}
        return Prepared(given.get("stem", "compare"), (task, methods, table), task.facts, facts)

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Do what is missing; the outputs are written whatever ends it."""
        (task, methods, table), total = prepared.parts, len(self.settings.pairs)
        details = {} if table is None else {"table": table.facts}
        session.began(str(resolve_device(self.settings.train.device)), details=details)
        try:
            for number in range(1, total + 1):
                Turn(self, session, task, methods, number).take()
            session.events(Progress(TASK, total, total))
        except BaseException:
            with suppress(StoreError):  # the error that ended it is the one to be seen
                self.read(self.folder).report_if_possible(session.events)
            raise


class Turn(View):
    """One method under one seed: what the comparison lacks of its search and of the final training of what the search found.

    A search that raises a RankNoshError of its own (a budget that holds too little, weights that diverge) is written down as
    one that found nothing; where the disk, the data or the machines fail, the comparison ends with that error. The turn
    takes the events of search and training and reports them as progress of the comparison, messages as they are.

    Args:
        run: the comparison.
        session: of the comparison.
        task: what is learned; a search does not see its test examples.
        methods: that search, by name.
        number: of the turn, from 1.
    """

    def __init__(
        self, run: CompareRun, session: RunSession, task: Task, methods: Mapping[str, ComparedMethod], number: int
    ) -> None:
        super().__init__()
        self.settings, self.state, self.session, self.task, self.number = run.settings, run.state, session, task, number
        name, self.seed = self.pair = run.settings.pairs[number - 1]
        self.method, self.name, self.owner = methods[name], f"{name}, seed {self.seed}", run.header.id
        self.space, self.metric = run.settings.space.make(), run.metric
        self.searching = {name for name, method in methods.items() if not isinstance(method, StockNetwork)}

    def take(self) -> None:
        """Do what is missing. Raises KeyboardInterrupt when a stop was asked for, with everything saved."""
        if self.pair not in self.state.searched:
            self._search()
        searched = self.state.searched[self.pair]
        if searched.architecture is not None and self.state.final(searched, self.space) is None:
            self._train(searched.architecture)

    def _search(self) -> None:
        method, began = self.pair[0], time.monotonic()
        self._spent("begins")
        blind = self.task.with_data(replace(self.task.data, test=self.task.data.test.first(0)))
        try:
            found = self.method.search(
                self.settings.search,
                self.seed,
                self.session.folder / folder_of(method, self.seed),
                command=f"ranknosh compare ({method}, seed {self.seed}) in {self.owner}",
                data=blind,
                events=self,
                stop=self.session.stop,
            )
        except (StoreError, DataError, ClusterError):
            raise
        except RankNoshError as error:
            lost = time.monotonic() - began
            found = Searched(method, self.seed, None, Cost(failed=lost), lost, 0, "candidates", 0, f"failed: {error}")
        text = "nothing" if (one := found.architecture) is None else home_of(one, self.space).format(one)
        self._write(found, f"found {text} in {human_duration(found.cost.total)} ({found.ended})")

    def _train(self, found: Architecture) -> None:
        """The final training, a retraining: the seed alone fixes weights and data order, so that all finds are trained alike."""
        home, epochs = home_of(found, self.space), self.settings.whole_epochs
        key, text = home.canonical(found), home.format(found)

        def heard(event: Event) -> None:
            if isinstance(event, Epoch):
                self._report(0.0, f"final training, epoch {event.epoch} of {event.last}")
            elif isinstance(event, Message):
                self.show(event)

        began = time.monotonic()
        self._report(0.0, f"final training, epoch 0 of {epochs}")
        try:
            result = retrain(
                found,
                self.task,
                recipe_of(self.settings, home, epochs),
                final_folder(self.session.folder, self.seed, text),
                seed=torch_seed(self.seed, "final"),
                events=heard,
                stop=self.session.stop,
                command=f"ranknosh compare (final training, seed {self.seed}) in {self.owner}",
            )
        except (RetrainFailed, SpaceError) as error:
            failed = Trained(key, self.seed, epochs, seconds=time.monotonic() - began, failed=str(error))
            self._write(failed, f"final training, {error}")
            return
        final = Trained(
            key,
            self.seed,
            epochs,
            result.metrics.get(self.metric.name),
            result.test.get(self.metric.name),
            result.device_seconds,
            result.costs.get("params"),
            result.costs.get("macs"),
        )
        texts = [f"{part} {self.metric.text(getattr(final, part))}" for part in ("validation", "test")]
        self._write(final, f"final training, {self.metric.name}: {', '.join(texts)}")

    def _write(self, record: Searched | Trained, line: str) -> None:
        self.session.add(record, f"{self.name}: {line}")
        self.session.check_stop()

    def show(self, event: Event) -> None:
        if isinstance(event, Message):
            self.session.say(f"{self.name}: {event.text}")
        elif isinstance(event, Progress):
            self._spent(f"{event.task} {event.count}")

    def _spent(self, text: str) -> None:
        """Report how much of the budget is spent, and what the search does."""
        budget, spent = self.settings.budget_seconds, self.seconds
        text = f"search, {human_duration(spent)} of {human_duration(budget)}, {text}"
        self._report(max(budget - spent, 0.0), text)

    def _report(self, search_left: float, text: str) -> None:
        """Report what is done, and how long the comparison will take still; ``search_left``: seconds of this search."""
        pairs, done = self.settings.pairs, self.number - 1
        left = search_left + self.settings.budget_seconds * sum(
            pair not in self.state.searched and pair[0] in self.searching for pair in pairs[self.number :]
        )
        finals = [final.seconds for final in self.state.trained.values()]
        if finals:
            left += (len(pairs) - done) * fmean(finals)
        self.session.events(Progress(TASK, done, len(pairs), f"{self.name}: {text}", left))
