"""The loop of a supernet search in its run folder: epochs to the end, each written down, then the selection."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ranknosh.config.units import human_duration
from ranknosh.runs.files import write_atomic
from ranknosh.training.rung import SAVE_EVERY_SECONDS
from ranknosh.workflows.supernet import checkpoint, planning
from ranknosh.workflows.supernet.assembly import Parts
from ranknosh.workflows.supernet.data import SupernetData
from ranknosh.workflows.supernet.journal import Journal
from ranknosh.workflows.supernet.outcome import Plan, Result
from supernet.diagnostics import landscape
from supernet.part import Stop
from supernet.search import EpochReport, SupernetSearch
from supernet.space import nasbench201_architecture

if TYPE_CHECKING:
    from ranknosh.data.table import Table

GENOTYPE = Path("best") / "genotype.txt"


class Listener(Protocol):
    """Who watches a search. Nothing it does changes a decision. Epochs count from 0."""

    def on_plan(self, plan: Plan) -> None: ...

    def on_step(self, epoch: int, step: int, steps: int) -> None: ...

    def on_epoch(self, report: EpochReport, true_accuracy: float | None) -> None: ...

    def on_message(self, text: str) -> None: ...


class Silent:
    """A listener that says nothing."""

    def on_plan(self, plan: Plan) -> None: ...

    def on_step(self, epoch: int, step: int, steps: int) -> None: ...

    def on_epoch(self, report: EpochReport, true_accuracy: float | None) -> None: ...

    def on_message(self, text: str) -> None: ...


class Runner:
    """One sitting of a search. :meth:`begin` or :meth:`take_up`, then :meth:`run`.

    ``stop``: asked after every epoch whether to save and leave by KeyboardInterrupt. ``table``: annotates epochs only.
    """

    journal: Journal
    search: SupernetSearch
    plan: Plan

    def __init__(
        self,
        parts: Parts,
        device: torch.device,
        listener: Listener,
        stop: Callable[[], bool],
        table: Table | None = None,
    ) -> None:
        self.parts, self.device = parts, device
        self.listener, self.stop, self.table = listener, stop, table
        self.data = SupernetData(parts.images, split_seed=parts.config.split_seed)
        self._prices: planning.Prices | None = None
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def begin(self) -> None:
        """Choose the number of epochs and make the search; nothing is written. Raises BudgetTooSmall, and ConfigError or
        SpaceError where the supernet cannot be built."""
        self.plan = self._plan()
        self.search = self._search(self.plan)

    def take_up(self, journal: Journal) -> None:
        """Take the state up that an earlier sitting left, the first epoch where it left none."""
        found = checkpoint.load(journal.folder, str(journal.record.header["id"]))
        plans = journal.record.plans
        if found is None:
            self.plan = plans[-1] if plans else self._plan()
            self.search = self._search(self.plan)
            return
        number, state = found
        self.plan = plans[number]
        self.search = self._search(self.plan)
        self.search.load_state_dict(state)
        self.listener.on_message(f"going on after epoch {self.search.epoch} of {self.plan.epochs}")

    def run(self, journal: Journal, session: Mapping[str, Any]) -> Result:
        """Search what is left, select, and write the result. ``session``: what its line says beside the epoch."""
        self.journal = journal
        journal.append("session", {**session, "from_epoch": self.search.epoch})
        if not journal.record.plans or journal.record.plans[-1] != self.plan:
            journal.append("plan", self.plan.as_dict())
        self.listener.on_plan(self.plan)
        saved_at = time.monotonic()
        while not self.search.ended:
            if self.stop():
                raise KeyboardInterrupt
            self._epoch()
            stopping = self.stop()
            if stopping or self.search.ended or time.monotonic() - saved_at >= SAVE_EVERY_SECONDS:
                self._save()
                saved_at = time.monotonic()
        if self.stop():
            raise KeyboardInterrupt
        return self._end()

    def _plan(self) -> Plan:
        budget = self.parts.config.budget
        method = self.parts.make(budget.epochs).fitted(self.parts.space)
        if budget.time is None or budget.epochs is not None or not method.epochs:
            return Plan(budget.epochs, method.epochs, method.composition(), "given", budget.time)
        self.listener.on_message("timing a few steps to choose the number of epochs")
        self._prices = planning.measure(self.parts, self.data, self._options())
        return planning.choose(self.parts, self._prices, budget.time)

    def _search(self, plan: Plan) -> SupernetSearch:
        return SupernetSearch(
            self.parts.make(plan.asked), self.parts.space, self.parts.size, self.data, **self._options()
        )

    def _options(self) -> dict[str, Any]:
        config = self.parts.config
        layout = True if config.train.channels_last == "auto" else config.train.channels_last
        return {"seed": config.seed, "device": self.device, "channels_last": layout, "bf16": config.train.amp == "bf16"}

    def _epoch(self) -> None:
        search = self.search
        report = search.run_epoch(lambda done, steps: self.listener.on_step(search.epoch, done, steps))
        truth = self.true_accuracy(report.cells)
        self.journal.append("epoch", finite({**report.to_dict(), "true_accuracy": truth}))
        self.listener.on_epoch(report, truth)
        if search.ended:
            return
        self._correct_plan()
        plan = self.plan
        if plan.budget_seconds is not None and planning.too_late(plan, self.search, self.spent):
            self.search.stopped = Stop(
                self.search.epoch - 1, f"the budget of {human_duration(plan.budget_seconds)} is used"
            )

    @property
    def spent(self) -> float:
        """Device seconds of the epochs that count."""
        return self.journal.record.device_seconds

    def _correct_plan(self) -> None:
        """Go on under a better plan, once, when enough of the budget is used to know better."""
        plan, prices = self.plan, self._prices
        if prices is None or plan.budget_seconds is None or self.spent < planning.CORRECTED_AFTER * plan.budget_seconds:
            return
        self._prices = None
        better = planning.corrected(self.parts, prices, self.search, plan.budget_seconds)
        if better is None:
            return
        again = self._search(better)
        again.load_state_dict(self.search.state_dict())
        self.plan, self.search = better, again
        self.journal.append("plan", better.as_dict())
        self._save()
        self.listener.on_plan(better)

    def _save(self) -> None:
        journal, search = self.journal, self.search
        number = len(journal.record.plans) - 1
        checkpoint.save(journal.folder, str(journal.record.header["id"]), number, search.state_dict())
        if search.history:
            write_atomic(journal.folder / GENOTYPE, (search.history[-1].text + "\n").encode())

    def _end(self) -> Result:
        self.listener.on_message("selecting the cell")
        search, record, budget = self.search, self.journal.record, self.parts.config.budget
        began = time.perf_counter()
        cells = search.result()
        seconds = time.perf_counter() - began
        kept, stopped = {kind: list(places) for kind, places in cells.items()}, search.stopped
        result = Result(
            cells=kept,
            text=search.space.write(cells),
            skips=search.space.count(cells, "skip_connect"),
            epochs=search.epoch,
            ended=stopped.reason if stopped is not None else _all_done(search.epoch),
            capped=budget.epochs is not None and stopped is not None and stopped.reason.startswith("the budget of "),
            device_seconds=record.device_seconds + seconds,
            selection_seconds=seconds,
            lost_seconds=record.lost_seconds,
            wall_seconds=self.journal.seconds + record.plans[0].trial_seconds,
            peak_memory=peak_memory(self.device),
            true_accuracy=self.true_accuracy(kept),
            diagnostics=self._diagnostics(),
        )
        write_atomic(self.journal.folder / GENOTYPE, (result.text + "\n").encode())
        self.journal.append("result", finite(result.as_dict()))
        return result

    def _diagnostics(self) -> dict[str, Any]:
        size = self.parts.config.watch.landscape
        if not size:
            return {}
        self.listener.on_message(f"measuring the loss at {size * size} points around the alphas")
        return {"landscape": asdict(landscape(self.search, size, seed=self.parts.config.seed))}

    def true_accuracy(self, cells: Mapping[str, list[int | None]]) -> float | None:
        """What the table knows of derived cells: mean validation accuracy of finished trainings, a fraction."""
        if self.table is None or self.parts.space.name != self.table.space.name:
            return None
        row = self.table.find(nasbench201_architecture({kind: tuple(places) for kind, places in cells.items()}))
        return None if row is None else float(self.table.truth[row])


def _all_done(epochs: int) -> str:
    if epochs == 0:
        return "there was nothing to train"
    return "its one epoch is done" if epochs == 1 else f"all {epochs} epochs are done"


def peak_memory(device: torch.device) -> dict[str, int]:
    """Most bytes held so far: by the process, and on a CUDA device by tensors."""
    unit = 1 if sys.platform == "darwin" else 1024
    found = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    if device.type == "cuda":
        found["device"] = torch.cuda.max_memory_allocated(device)
    return found


def finite(value: Any) -> Any:
    """Plain data with None in place of numbers that JSON has not."""
    if isinstance(value, Mapping):
        return {str(key): finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
