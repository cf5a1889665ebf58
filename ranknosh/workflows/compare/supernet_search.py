"""A supernet method as a method of a comparison; its epochs are chosen so that its schedule ends with the budget."""

from __future__ import annotations

import time
from pathlib import Path

from ranknosh.runs.events import Event, Message, Progress, Recorded
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.method import Cost, SearchListener, SearchOutcome
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.run_folder import begun
from ranknosh.workflows.supernet.api import search_supernet
from ranknosh.workflows.supernet.records import SupernetState
from ranknosh.workflows.supernet.run import SupernetRun


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
        command, stop = f"ranknosh compare ({self.name}, seed {seed})", StopRequest()
        if begun(folder):
            known = open_run(folder)
            assert isinstance(known, SupernetRun)
            found = known.resume(data=problem.data, command=command, events=_Relay(listener), stop=stop)
        else:
            found = search_supernet(
                self.name,
                problem.space.name,
                problem.data,
                device_seconds=budget_seconds,
                seed=seed,
                split_seed=self.split_seed,
                network={"channels": problem.size.channels, "cells": problem.size.cells},
                train={"device": problem.train.device, "threads": problem.train.threads},
                folder=folder,
                events=_Relay(listener),
                stop=stop,
                command=command,
            )
        if stop.requested:  # asked for while the cell was selected; what was found is read from the folder next time
            raise KeyboardInterrupt
        result = found.state.result
        assert result is not None
        return SearchOutcome(
            architecture=found.architecture,
            cost=Cost(supernet=result.device_seconds).within(result.wall_seconds - result.lost_seconds),
            wall_seconds=result.wall_seconds,
            epochs=result.epochs,
            epochs_of="supernet",
            evaluations=0,
            ended=result.ended,
            folder=folder,
        )


class _Relay:
    """Takes the events of a supernet search and reports to a comparison how much was spent."""

    def __init__(self, listener: SearchListener) -> None:
        self._listener = listener
        self._spent, self._since = 0.0, time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Recorded):
            state: SupernetState = event.state
            self._spent, self._since = state.trial_seconds + state.device_seconds, time.monotonic()
        elif isinstance(event, Message):
            self._listener.on_message(event.text)
        elif isinstance(event, Progress):
            spent = self._spent + time.monotonic() - self._since
            total = "" if event.total is None else f" of {event.total:g}"
            self._listener.on_spent(spent, f"{event.task} {int(event.done)}{total}")
