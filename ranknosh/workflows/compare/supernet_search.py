"""A supernet method as a method of a comparison; its epochs are chosen so that its schedule ends with the budget."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.compare.method import Cost, SearchListener, SearchOutcome
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.run_folder import begun
from ranknosh.workflows.supernet import search_supernet
from ranknosh.workflows.supernet.journal import read_record

if TYPE_CHECKING:
    from ranknosh.workflows.supernet.outcome import Plan
    from supernet.search import EpochReport


class SupernetMethod:
    """The method ``name`` of ``supernet.methods`` with its published recipe, on a supernet of the problem's network size.

    It learns from the problem's training images alone, one half of them for the architecture, cut by ``split_seed``, which is the
    same for every seed. Charged are its epochs, the selection, and what timing and saving took beside them.
    """

    def __init__(self, name: str, split_seed: int) -> None:
        self.name, self.split_seed = name, split_seed

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, listener: SearchListener
    ) -> SearchOutcome:
        """See :class:`ranknosh.workflows.compare.method.SearchMethod`. Raises BudgetTooSmall where not one epoch fits."""
        stop = StopRequest()
        with stop.on_signals(lambda event: listener.on_message(getattr(event, "text", ""))):
            found = search_supernet(
                self.name,
                problem.space.name,
                problem.data,
                device_seconds=budget_seconds,
                channels=problem.size.channels,
                cells=problem.size.cells,
                seed=seed,
                split_seed=self.split_seed,
                device=problem.train.device,
                threads=problem.train.threads,
                folder=folder,
                go_on=begun(folder),
                listener=_Relay(listener),
                stop=lambda: stop.requested,
                command=f"ranknosh compare ({self.name}, seed {seed})",
            )
        if stop.requested:  # asked for while the cell was selected; what was found is read from the folder next time
            raise KeyboardInterrupt
        result = read_record(folder).result
        assert result is not None
        cost = Cost(supernet=found.device_seconds).within(found.wall_seconds - result.lost_seconds)
        return SearchOutcome(
            architecture=found.architecture,
            cost=cost,
            wall_seconds=found.wall_seconds,
            epochs=found.epochs,
            epochs_of="supernet",
            evaluations=0,
            ended=found.ended,
            folder=folder,
        )


class _Relay:
    """A listener of a supernet search that tells a comparison how much was spent."""

    def __init__(self, listener: SearchListener) -> None:
        self._listener = listener
        self._spent, self._since = 0.0, time.monotonic()
        self._epochs = 0

    def on_plan(self, plan: Plan) -> None:
        if not self._epochs:
            self._spent = plan.trial_seconds
            self._since = time.monotonic()
        self._epochs = plan.epochs

    def on_step(self, epoch: int, step: int, steps: int) -> None:
        spent = self._spent + time.monotonic() - self._since
        self._listener.on_spent(spent, f"epoch {epoch + 1} of {self._epochs}")

    def on_epoch(self, report: EpochReport, true_accuracy: float | None) -> None:
        self._spent, self._since = self._spent + report.seconds, time.monotonic()
        self._listener.on_spent(self._spent, f"epoch {report.epoch + 1} of {self._epochs}")

    def on_message(self, text: str) -> None:
        if not text.startswith(("run folder ", "timing ", "selecting ")):
            self._listener.on_message(text)
