"""RankNOSH itself as a method of a comparison: a run of the search engine that only time ends."""

from __future__ import annotations

from pathlib import Path

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_duration
from ranknosh.errors import BudgetTooSmall
from ranknosh.runs.events import Events
from ranknosh.runs.run import begin
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.compare.method import SearchOutcome
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.run_folder import begun, outcome_of, run_config
from ranknosh.workflows.search.run import SearchRun


class NoshSearch:
    """The search of ``config`` with its numbers of candidates and epochs left open.

    The pyramid's size rule holds at every moment, so candidates are proposed and promoted until the time is used; the epoch that
    runs then is finished. Proxy scoring, refits and failed trainings happen inside that time.
    """

    name = "ranknosh"

    def __init__(self, config: SearchSettings) -> None:
        self.config = config

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, events: Events, stop: StopRequest
    ) -> SearchOutcome:
        """See :class:`.method.SearchMethod`. Raises BudgetTooSmall where no candidate finished a level."""
        command = f"ranknosh compare ({self.name}, seed {seed})"
        if begun(folder):
            run = SearchRun.read(folder).resume(data=problem.data, command=command, events=events, stop=stop)
        else:
            config = run_config(self.config, seed, folder, budget_seconds)
            run = begin(SearchRun, config, command=command, events=events, stop=stop, data=problem.data, folder=folder)
        outcome = outcome_of(run.history, folder)
        if outcome.architecture is None:
            raise BudgetTooSmall(
                f"in {human_duration(budget_seconds)} no candidate finished the first level "
                f"({self.config.pyramid.epochs[0]} epochs); {human_duration(outcome.cost.proxies)} went into train-free scores. "
                "Raise --budget or lower seeding.draw"
            )
        return outcome
