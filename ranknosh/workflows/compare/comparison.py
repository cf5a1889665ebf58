"""Methods times seeds under one budget: the searches and final trainings that are missing, one after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ranknosh.config.compare import CompareSettings
from ranknosh.config.units import human_duration, percent
from ranknosh.errors import ClusterError, DataError, RankNoshError, StoreError
from ranknosh.runs.events import Event, Message, Opened, Progress, Recorded
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.final import final_folder, train_final
from ranknosh.workflows.compare.method import Cost, SearchMethod, SearchOutcome
from ranknosh.workflows.compare.problem import Problem
from ranknosh.workflows.compare.records import CompareState, Searched, Trained

TASK = "comparison"


class Comparison:
    """Does what ``state`` lacks of every (method, seed): its search, then the final training of what it found.

    A search that raises a RankNoshError of its own (a budget that holds too little, weights that diverge) is written down as
    one that found nothing; where the disk, the images or the machines fail, the comparison ends with that error.

    Args:
        session: of the run.
        settings: of the comparison.
        state: what is done; kept up to date.
        problem: that is searched; searches see neither its test images nor its table.
        methods: by name, those of the settings.
    """

    def __init__(
        self,
        session: RunSession,
        settings: CompareSettings,
        state: CompareState,
        problem: Problem,
        methods: Mapping[str, SearchMethod],
    ) -> None:
        self.session, self.settings, self.state = session, settings, state
        self.problem, self.blind, self.methods = problem, problem.for_search(), methods

    def run(self) -> None:
        """Work to the end. Raises KeyboardInterrupt when a stop was asked for, with everything saved."""
        space, pairs = self.problem.space, self.settings.pairs
        for number, (method, seed) in enumerate(pairs, 1):
            outcome = self.state.searched.get((method, seed)) or self._search(method, seed, number)
            found = outcome.architecture
            if found is not None and (space.canonical(found), seed) not in self.state.trained:
                self._final(method, seed, number, found)
        self.session.events(Progress(TASK, len(pairs), len(pairs)))

    def _search(self, name: str, seed: int, number: int) -> SearchOutcome:
        folder = Path(name) / f"seed-{seed}"
        budget, began = self.settings.budget_seconds, time.monotonic()
        relay, place = Relay(self, name, seed, number), self.session.folder / folder
        relay.tell()
        try:
            found = self.methods[name].search(self.blind, budget, seed, place, relay, self.session.stop)
            outcome = replace(found, folder=folder)
        except (StoreError, DataError, ClusterError):
            raise
        except RankNoshError as error:
            lost = time.monotonic() - began
            outcome = SearchOutcome(None, Cost(failed=lost), lost, 0, "candidates", 0, f"failed: {error}", folder)
        found_text = "nothing" if outcome.architecture is None else self.problem.space.format(outcome.architecture)
        line = f"{name}, seed {seed}: found {found_text} in {human_duration(outcome.cost.total)} ({outcome.ended})"
        self._write(Searched(name, seed, outcome), line)
        return outcome

    def _final(self, name: str, seed: int, number: int, found: Architecture) -> None:
        epochs, space, stop = self.settings.whole_epochs, self.problem.space, self.session.stop

        def heard(epoch: int) -> None:
            self.tell(name, seed, number, 0.0, f"final training, epoch {epoch} of {epochs}")

        heard(0)
        folder = final_folder(self.session.folder, space.format(found), seed)
        final = train_final(found, self.problem, epochs, seed, folder, stop=lambda: stop.requested, on_epoch=heard)
        result = final.failed or f"validation {percent(final.validation)}, test {percent(final.test)}"
        self._write(Trained(space.canonical(found), seed, final), f"{name}, seed {seed}: final training, {result}")

    def _write(self, record: Searched | Trained, line: str) -> None:
        self.state.apply(record)
        self.session.write([record], self.state, [line])
        if self.session.stop.requested:
            raise KeyboardInterrupt

    def tell(self, method: str, seed: int, number: int, search_left: float, text: str) -> None:
        """Report where the comparison is.

        Args:
            method: that is at work.
            seed: of it.
            number: of the pair of both, from 1.
            search_left: seconds that its search may still take.
            text: what it does.
        """
        pairs, budget = self.settings.pairs, self.settings.budget_seconds
        left = search_left + budget * sum(pair not in self.state.searched for pair in pairs[number:])
        finals = [final.seconds for final in self.state.trained.values()]
        if finals:
            left += (len(pairs) - number + 1) * sum(finals) / len(finals)
        self.session.events(Progress(TASK, number - 1, len(pairs), f"{method}, seed {seed}: {text}", left))


class Relay:
    """Takes the events of one search and reports them as progress of the comparison, its messages as they are.

    Args:
        comparison: that the search belongs to.
        method: that searches.
        seed: of the search.
        number: of the pair of both, from 1.
    """

    def __init__(self, comparison: Comparison, method: str, seed: int, number: int) -> None:
        self._comparison, self._of = comparison, (method, seed, number)
        self._base, self._since = 0.0, time.monotonic()
        self._text = "begins"

    def __call__(self, event: Event) -> None:
        if isinstance(event, Message):
            self._comparison.session.say(f"{self._of[0]}, seed {self._of[1]}: {event.text}")
        elif isinstance(event, (Opened, Recorded)):
            self._base, self._since = event.seconds, time.monotonic()
        elif isinstance(event, Progress):
            total = "" if event.total is None else f" of {event.total:g}"
            self._text = f"{event.task} {event.done:g}{total}"
            self.tell()

    def tell(self) -> None:
        """Report how much of the budget is spent."""
        budget = self._comparison.settings.budget_seconds
        spent = self._base + time.monotonic() - self._since
        text = f"search, {human_duration(spent)} of {human_duration(budget)}, {self._text}"
        self._comparison.tell(*self._of, max(budget - spent, 0.0), text)
