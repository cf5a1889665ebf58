"""The loop of a supernet search: epochs to the end, each written down, then the selection."""

import io
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ranknosh.config.units import Quantity, human_duration
from ranknosh.errors import FOREIGN, ConfigError, OwnCodeError, RankNoshError, StoreError, first_line
from ranknosh.runs.events import Epoch, Events, Progress, Standings
from ranknosh.runs.files import read_sealed, write_atomic, write_sealed
from ranknosh.runs.session import RunSession
from ranknosh.spaces.catalog import SPACES
from ranknosh.tasks.catalog import TASKS
from ranknosh.tasks.data.table import Table
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
from supernet.search import SupernetSearch

GENOTYPE = Path("best") / "genotype.txt"
REMEDY = "bring it back from a copy, or delete it: the search begins again at its first epoch"


class Planned(NamedTuple):
    """A plan and the search that follows it; ``prices``, where steps were timed, may correct the plan once."""

    plan: SupernetPlan
    search: SupernetSearch
    prices: planning.EpochPrices | None = None


def first_plan(parts: SupernetParts, events: Events) -> Planned:
    """Choose the number of epochs and make the search; nothing is written.

    Args:
        parts: of the search.
        events: hears that steps are timed, where they are.

    Raises:
        BudgetTooSmall: where not one epoch fits.
        RankNoshError: where the supernet cannot be built.
    """
    if parts.own:
        planning.try_own(parts)
    budget, prices = parts.config.budget, None
    method = parts.make(budget.epochs).fitted(parts.space)
    plan = SupernetPlan(budget.epochs, method.epochs, method.composition(), "given", budget.time)
    if budget.time is not None and budget.epochs is None and method.epochs:
        events(Progress("timing a few steps", 0, 1, "to choose the number of epochs"))
        prices = planning.measure(parts)
        events(Progress("timing a few steps", 1, 1, "to choose the number of epochs"))
        plan = planning.choose(parts, prices, budget.time)
    return Planned(plan, parts.search(plan.asked), prices)


@contextmanager
def surrounded(parts: SupernetParts) -> Iterator[None]:
    """Torch's threads and random state are put back afterwards; what does not fit the memory, and what code of the user's own
    raises, becomes a ConfigError."""
    if parts.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(parts.device)
    with surroundings(parts.config.train.threads, parts.device):
        try:
            yield
        except FOREIGN as error:
            if not is_out_of_memory(error):
                whose = _own_part(parts)
                if isinstance(error, RankNoshError) or whose is None:
                    raise
                raise OwnCodeError(f"{whose} raised {first_line(error, named=True)}; correct it") from error
            raise ConfigError(
                f"the supernet does not fit the memory of {parts.device}; give a smaller network, such as --set "
                "space.channels=8, or a smaller recipe.batch"
            ) from error


def _own_part(parts: SupernetParts) -> str | None:
    """The part of the user's own that raised, of several the likeliest; None where all are ours."""
    space, task = parts.config.space.name, parts.task.settings
    if parts.own:
        return f"the method {parts.config.method.name}"
    if space not in SPACES.builtins:
        return f"a network of {space}"
    return None if task["name"] in TASKS.builtins and not task.get("loss") else f"the task {task['name']}"


class Runner:
    """One session of a search.

    Args:
        session: of the run.
        state: of the run.
        parts: of the search.
        planned: where the run begins; None where an earlier session may have left something.
        table: annotates epochs only.

    Raises:
        StoreError: where the checkpoint cannot be used.
    """

    def __init__(
        self,
        session: RunSession,
        state: SupernetState,
        parts: SupernetParts,
        planned: Planned | None,
        table: Table | None,
    ) -> None:
        self.session, self.events, self.state, self.parts, self.table = session, session.events, state, parts, table
        self.metric = Quantity.ranked(session.journal.history.header.facts)
        self._known = "" if table is None else table.data
        self.run_id = session.journal.history.header.id
        self.plan, self.search, self._prices = planned or self._restored() or first_plan(parts, session.events)

    def run(self) -> None:
        """Search what is left, select, and write the result. Raises KeyboardInterrupt when stopped, with everything saved."""
        session, state, done = self.session, self.state, self.search.history
        # No two epochs take the same time to the last bit.
        same = takewhile(lambda pair: pair[0].seconds == pair[1].seconds, zip(done, state.epochs, strict=False))
        kept = len(list(same))
        details: dict[str, Any] = {"from_epoch": kept, "threads": self.parts.config.train.threads}
        if self.table is not None:
            details["table"] = self.table.facts
        session.began(str(self.parts.device), details=details)
        if not state.plans or state.plans[-1] != self.plan:
            session.add(self.plan, self.plan.words())
        self._progress(0.0)
        for report in done[kept:]:  # a journal that was repaired may know less than the checkpoint
            session.add(SupernetEpoch.of(report, self.truth(report.cells)))
        saved_at = time.monotonic()
        while not self.search.ended:
            session.check_stop()
            self._epoch()
            if session.stop.requested or self.search.ended or time.monotonic() - saved_at >= SAVE_EVERY_SECONDS:
                self._save()
                saved_at = time.monotonic()
        session.check_stop()
        self._end()

    def _restored(self) -> Planned | None:
        """The latest plan at its first epoch, or in the state that was saved; None where nothing was planned."""
        plans = self.state.plans
        found = load_checkpoint(self.session.folder, self.run_id)
        if found is None and not plans:
            return None
        number, saved = found or (len(plans) - 1, None)
        if number >= len(plans):
            raise StoreError(
                f"{self.session.folder / CHECKPOINT} follows a plan that the journal does not hold (number {number + 1} of "
                f"{len(plans)}), as after a repair; {REMEDY}"
            )
        plan, search = plans[number], self.parts.search(plans[number].asked)
        if saved is not None:
            search.load_state_dict(saved)
            self.session.say(f"resumes after epoch {search.epoch} of {plan.epochs}")
        return Planned(plan, search)

    def _progress(self, share: float, text: str = "") -> None:
        """Report how many epochs are done; ``share`` of the running one."""
        done, planned = self.search.epoch + share, self.plan.epochs
        left = self.state.seconds_left(planned - done)
        if left is None and share:
            left = self.session.seconds / share * (planned - done)
        self.events(Progress("epochs", done, planned, text, left))

    def _epoch(self) -> None:
        search = self.search
        report = search.run_epoch(lambda done, steps: self._progress(done / steps, f"step {done} of {steps}"))
        record = SupernetEpoch.of(report, self.truth(report.cells))
        left = self.state.seconds_left(self.plan.epochs - search.epoch)
        self.session.add(record, record.words(self.plan.epochs, left, self.metric, self._known))
        metrics = {"loss": record.weights_loss, "alphas loss": record.alphas_loss}
        shown = self.metric
        metrics |= {f"train {shown.name}": record.train_metric, "table": record.truth}
        name = self.parts.config.method.name
        units = {f"train {shown.name}": shown.unit, "table": "%"}
        self.events(Epoch(name, record.epoch + 1, self.plan.epochs, metrics, units, job=record))
        self.events(Standings((), (), [("cell", record.cell_words(self._known))]))
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
            saved = self.search.state_dict()
            self.plan, self.search = better, self.parts.search(better.asked)
            self.search.load_state_dict(saved)
            self.session.add(better, better.words())
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
            peak_memory=peak_memory(self.parts.device),
            truth=self.truth(kept),
            diagnostics=self._diagnostics(),
        )
        write_atomic(folder / GENOTYPE, (result.text + "\n").encode())
        self.session.add(result)

    def _diagnostics(self) -> dict[str, Any]:
        size = self.parts.config.watch.landscape
        if not size:
            return {}
        self.session.say(f"measuring the loss at {size * size} points around the alphas")
        return {"landscape": finite(asdict(landscape(self.search, size, seed=self.parts.config.seed)))}

    def truth(self, cells: Mapping[str, list[int | None]]) -> float | None:
        """What the table knows of derived cells: the mean over finished trainings, a fraction."""
        if self.table is None or self.parts.space.name != self.table.space.name:
            return None
        text = self.parts.space.write({kind: tuple(places) for kind, places in cells.items()})
        row = self.table.find(self.table.space.parse(text))
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
