"""A supernet method as a method of a comparison; its epochs are chosen so that its schedule ends with the budget."""

from __future__ import annotations

from pathlib import Path

from ranknosh.runs.events import Events
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.method import Cost, SearchOutcome
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.run_folder import begun
from ranknosh.workflows.supernet.api import search_supernet
from ranknosh.workflows.supernet.run import SupernetRun


class SupernetMethod:
    """The method ``name`` of ``supernet.methods`` with its published recipe, on a supernet of the problem's network size.

    It learns from the problem's training images alone, one half of them for the architecture, cut by ``split_seed``, which is the
    same for every seed. Charged are its epochs, the selection, and what timing and saving took beside them.
    """

    def __init__(self, name: str, split_seed: int) -> None:
        self.name, self.split_seed = name, split_seed

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, events: Events, stop: StopRequest
    ) -> SearchOutcome:
        """See :class:`ranknosh.workflows.compare.method.SearchMethod`. Raises BudgetTooSmall where not one epoch fits."""
        command = f"ranknosh compare ({self.name}, seed {seed})"
        if begun(folder):
            known = open_run(folder)
            assert isinstance(known, SupernetRun)
            found = known.resume(data=problem.data, command=command, events=events, stop=stop)
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
                events=events,
                stop=stop,
                command=command,
            )
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
