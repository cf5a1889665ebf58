"""The loop of a supernet search: epochs to the end, each written down, then the selection."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ranknosh.config.units import human_duration
from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.events import Epoch, Events, Progress, Standings
from ranknosh.runs.files import read_sealed, write_atomic, write_sealed
from ranknosh.runs.session import RunSession
from ranknosh.training.rung import SAVE_EVERY_SECONDS
from ranknosh.training.surroundings import is_out_of_memory, surroundings
from ranknosh.workflows.supernet import planning
from ranknosh.workflows.supernet.assembly import SupernetParts
from ranknosh.workflows.supernet.records import (
    CHECKPOINT,
    SupernetEpoch,
    SupernetPlan,
    SupernetResult,
    SupernetState,
    finite,
)
from supernet.diagnostics import landscape
from supernet.part import Stop
from supernet.report import EpochReport
from supernet.search import SupernetSearch
from supernet.space import nasbench201_architecture

if TYPE_CHECKING:
    from ranknosh.data.table import Table

GENOTYPE = Path("best") / "genotype.txt"
REMEDY = "bring it back from a copy, or delete it: the search begins again at its first epoch"


class Runner:
    """One session of a search: :meth:`choose_plan` for a new one, then :meth:`run`, both within :meth:`surrounded`.

    ``table`` annotates epochs only.
    """

    session: RunSession
    state: SupernetState
    plan: SupernetPlan
    search: SupernetSearch

    def __init__(self, parts: SupernetParts, events: Events, table: Table | None = None) -> None:
        self.parts, self.device, self.events, self.table = parts, parts.device, events, table
        self._prices: planning.EpochPrices | None = None
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)

    @contextmanager
    def surrounded(self) -> Iterator[None]:
        """Torch's threads and random state are put back afterwards; what does not fit the memory raises ConfigError."""
        with surroundings(self.parts.config.train.threads, self.device):
            try:
                yield
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                raise ConfigError(
                    f"the supernet does not fit the memory of {self.device}; give fewer --channels or --cells, or a smaller "
                    "recipe.batch"
                ) from error

    def choose_plan(self) -> None:
        """Choose the number of epochs and make the search; nothing is written.

        Raises:
            BudgetTooSmall: where not one epoch fits.
            RankNoshError: where the supernet cannot be built.
        """
        budget = self.parts.config.budget
        method = self.parts.make(budget.epochs).fitted(self.parts.space)
        if budget.time is None or budget.epochs is not None or not method.epochs:
            self._follow(SupernetPlan(budget.epochs, method.epochs, method.composition(), "given", budget.time))
            return
        self.events(Progress("timing a few steps", 0, 1, "to choose the number of epochs"))
        self._prices = planning.measure(self.parts)
        self.events(Progress("timing a few steps", 1, 1, "to choose the number of epochs"))
        self._follow(planning.choose(self.parts, self._prices, budget.time))

    def _follow(self, plan: SupernetPlan, saved: dict[str, Any] | None = None) -> None:
        """Make the search of a plan, in a saved state or at its first epoch."""
        self.plan, self.search = plan, self.parts.search(plan.asked)
        if saved is not None:
            self.search.load_state_dict(saved)

    def run(self, session: RunSession, state: SupernetState) -> None:
        """Search what is left, select, and write the result; ``state`` is kept up with what is written.

        Raises:
            StoreError: where the checkpoint cannot be used.
            KeyboardInterrupt: when stopped from outside, with everything saved.
        """
        self.session, self.state, self.events = session, state, session.events
        self.run_id = session.journal.history.header.id
        if session.resumed:
            self._restore()
        done = self.search.history
        kept = _agreeing(done, state.epochs)
        self._begin_session(kept)
        for report in done[kept:]:  # a journal that was repaired may know less than the checkpoint
            self._write(SupernetEpoch.of(report, self.true_accuracy(report.cells)))
        saved_at = time.monotonic()
        while not self.search.ended:
            if session.stop.requested:
                raise KeyboardInterrupt
            self._epoch()
            if session.stop.requested or self.search.ended or time.monotonic() - saved_at >= SAVE_EVERY_SECONDS:
                self._save()
                saved_at = time.monotonic()
        if session.stop.requested:
            raise KeyboardInterrupt
        self._end()

    def _restore(self) -> None:
        """Take over the state that an earlier session left; the first epoch where it left none."""
        plans = self.state.plans
        found = load_checkpoint(self.session.folder, self.run_id)
        if found is None and not plans:
            self.choose_plan()
            return
        number, saved = found or (len(plans) - 1, None)
        if number >= len(plans):
            raise StoreError(
                f"{self.session.folder / CHECKPOINT} follows a plan that the journal does not hold (number {number + 1} of "
                f"{len(plans)}), as after a repair; {REMEDY}"
            )
        self._follow(plans[number], saved)
        if saved is not None:
            self.session.say(f"resumes after epoch {self.search.epoch} of {self.plan.epochs}")

    def _begin_session(self, kept: int) -> None:
        details: dict[str, Any] = {"from_epoch": kept, "threads": self.parts.config.train.threads}
        if self.table is not None:
            details["table"] = {"best": self.table.best, "median": float(np.median(self.table.truth))}
        self.state.apply(self.session.began(str(self.device), details=details))
        if not self.state.plans or self.state.plans[-1] != self.plan:
            self._write(self.plan, self.plan.words())
        self._progress(0.0)

    def _write(self, record: SupernetPlan | SupernetEpoch | SupernetResult, *lines: str) -> None:
        self.state.apply(record)
        self.session.write([record], self.state, lines)

    def _progress(self, share: float, text: str = "") -> None:
        """Report how many epochs are done; ``share`` of the running one."""
        done, planned = self.search.epoch + share, self.plan.epochs
        self.events(Progress("epochs", done, planned, text, self.state.seconds_left(planned - done)))

    def _epoch(self) -> None:
        search = self.search
        report = search.run_epoch(lambda done, steps: self._progress(done / steps, f"step {done} of {steps}"))
        record = SupernetEpoch.of(report, self.true_accuracy(report.cells))
        left = self.state.seconds_left(self.plan.epochs - search.epoch)
        self._write(record, record.words(self.plan.epochs, left))
        metrics = {"loss": record.weights_loss, "alphas loss": record.alphas_loss}
        metrics |= {"train accuracy": record.train_accuracy, "true accuracy": record.true_accuracy}
        name = self.parts.config.method.name
        self.events(Epoch(name, record.epoch + 1, self.plan.epochs, metrics, job=record))
        self.events(Standings((), (), [("cell", record.cell_words())]))
        self._progress(0.0)
        if search.ended:
            return
        self._correct_plan()
        if planning.too_late(self.plan, self.search, self.state.device_seconds):
            self.search.stopped = Stop(self.search.epoch - 1, self._budget_used())

    def _budget_used(self) -> str:
        return f"the budget of {human_duration(self.plan.budget_seconds or 0.0)} is used"

    def _correct_plan(self) -> None:
        """Follow a better plan, once, when enough of the budget is used to know better."""
        budget, prices = self.plan.budget_seconds, self._prices
        if prices is None or budget is None or self.state.device_seconds < planning.CORRECTED_AFTER * budget:
            return
        self._prices = None
        better = planning.corrected(self.parts, prices, self.search, budget)
        if better is not None:
            self._follow(better, self.search.state_dict())
            self._write(better, better.words())
            self._save()

    def _save(self) -> None:
        folder, search = self.session.folder, self.search
        save_checkpoint(folder, self.run_id, len(self.state.plans) - 1, search.state_dict())
        if search.history:
            write_atomic(folder / GENOTYPE, (search.history[-1].text + "\n").encode())

    def _end(self) -> None:
        search, state, folder = self.search, self.state, self.session.folder
        self.events(Progress("selection", 0, 1, "of the cell"))
        began = time.perf_counter()
        cells = search.result()
        seconds = time.perf_counter() - began
        self.events(Progress("selection", 1, 1, "of the cell"))
        kept, stopped = {kind: list(places) for kind, places in cells.items()}, search.stopped
        asked = self.parts.config.budget.epochs is not None
        result = SupernetResult(
            cells=kept,
            text=search.space.write(cells),
            skips=search.space.count(cells, "skip_connect"),
            epochs=search.epoch,
            ended=stopped.reason if stopped is not None else _all_done(search.epoch),
            capped=asked and stopped is not None and stopped.reason == self._budget_used(),
            device_seconds=state.device_seconds + seconds,
            selection_seconds=seconds,
            lost_seconds=state.lost_seconds,
            wall_seconds=self.session.seconds + state.trial_seconds,
            peak_memory=peak_memory(self.device),
            true_accuracy=self.true_accuracy(kept),
            diagnostics=self._diagnostics(),
        )
        write_atomic(folder / GENOTYPE, (result.text + "\n").encode())
        self._write(result)

    def _diagnostics(self) -> dict[str, Any]:
        size = self.parts.config.watch.landscape
        if not size:
            return {}
        self.session.say(f"measuring the loss at {size * size} points around the alphas")
        return {"landscape": finite(asdict(landscape(self.search, size, seed=self.parts.config.seed)))}

    def true_accuracy(self, cells: Mapping[str, list[int | None]]) -> float | None:
        """What the table knows of derived cells: mean validation accuracy of finished trainings, a fraction."""
        if self.table is None or self.parts.space.name != self.table.space.name:
            return None
        row = self.table.find(nasbench201_architecture({kind: tuple(places) for kind, places in cells.items()}))
        return None if row is None else float(self.table.truth[row])


def save_checkpoint(folder: Path, run_id: str, plan: int, state: Mapping[str, Any]) -> None:
    """Write the state of a search, whole or not at all.

    Args:
        folder: of the run.
        run_id: of the run's header.
        plan: number of the plan in the journal, from 0, that the search follows.
        state: of the search.

    Raises:
        StoreError: where it cannot be written; the old file stays then.
    """
    buffer = io.BytesIO()
    torch.save({"plan": plan, "search": dict(state)}, buffer)
    write_sealed(folder / CHECKPOINT, run_id, buffer.getvalue())


def load_checkpoint(folder: Path, run_id: str) -> tuple[int, dict[str, Any]] | None:
    """The plan's number and the state, on the CPU, read without running any code of it; None where there is no file.

    Raises StoreError for one that is damaged or of another run.
    """
    payload = read_sealed(folder / CHECKPOINT, run_id, REMEDY)
    if payload is None:
        return None
    found = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    return int(found["plan"]), found["search"]


def _agreeing(reports: Sequence[EpochReport], records: Sequence[SupernetEpoch]) -> int:
    """How many epochs from the first on are the same; no two take the same time to the last bit."""
    pairs = enumerate(zip(reports, records, strict=False))
    others = (place for place, (report, record) in pairs if report.seconds != record.seconds)
    return next(others, min(len(reports), len(records)))


def _all_done(epochs: int) -> str:
    if epochs == 0:
        return "there was nothing to train"
    return "its one epoch is done" if epochs == 1 else f"all {epochs} epochs are done"


def peak_memory(device: torch.device) -> dict[str, int]:
    """Most bytes held so far: by the process, and on a CUDA device by tensors."""
    found = {}
    if sys.platform != "win32":  # where there is no such module
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        found["process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    if device.type == "cuda":
        found["device"] = torch.cuda.max_memory_allocated(device)
    return found
