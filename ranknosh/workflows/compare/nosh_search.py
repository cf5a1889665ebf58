"""RankNOSH itself as a method of a comparison: a run of the search engine that only time ends."""

from __future__ import annotations

from pathlib import Path

from ranknosh.config.search import RunConfig
from ranknosh.config.units import human_duration
from ranknosh.errors import BudgetTooSmall
from ranknosh.workflows.compare.method import SearchListener, SearchOutcome
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.run_folder import Relay, begun, outcome_of, run_config
from ranknosh.workflows.search.run import open_run, start_run


class NoshSearch:
    """The search of ``config`` with its numbers of candidates and epochs left open.

    The pyramid's size rule holds at every moment, so candidates go on being proposed and promoted until the time is used; the
    epoch that runs then is finished. Level 0, refits and failed trainings happen inside that time.
    """

    name = "ranknosh"

    def __init__(self, config: RunConfig) -> None:
        self.config = config

    def search(
        self, problem: Problem, budget_seconds: float, seed: int, folder: Path, listener: SearchListener
    ) -> SearchOutcome:
        """See :class:`.method.SearchMethod`. Raises BudgetTooSmall where no candidate finished a level."""
        command = f"ranknosh compare ({self.name}, seed {seed})"
        if begun(folder):
            found = open_run(folder)
            relay = Relay(listener, found.history.times[-1] if found.history.times else 0.0)
            run = found.resume(data=problem.data, command=command, listener=relay)
        else:
            config = run_config(self.config, seed, folder, budget_seconds)
            run = start_run(config, command=command, listener=Relay(listener), data=problem.data)
        outcome = outcome_of(run.history, folder)
        if outcome.architecture is None:
            raise BudgetTooSmall(
                f"in {human_duration(budget_seconds)} no candidate finished the first level "
                f"({self.config.pyramid.epochs[0]} epochs); {human_duration(outcome.cost.proxies)} went into train-free scores. "
                "Raise --budget or lower seeding.draw"
            )
        return outcome
