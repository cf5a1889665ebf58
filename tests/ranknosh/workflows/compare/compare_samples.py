"""Settings of a small comparison, and methods that answer at once."""

from contextlib import suppress
from pathlib import Path

from ranknosh.core.seeding import draw
from ranknosh.errors import BudgetTooSmall
from ranknosh.runs.events import Progress, Recorded, silent
from ranknosh.runs.progress import said_of
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.method import Cost, SearchOutcome

SETTINGS = {
    "seed": 5,
    "network": {"channels": 4, "cells": 1},
    "data": {"name": "digits", "train_limit": 200, "validation_limit": 100, "test_limit": 80},
    "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 6},
    "seeding": {"draw": 6},
    "budget": {"epochs": 20},
}


class Heard:
    """Takes events and keeps them."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    @property
    def progress(self):
        return [event for event in self.events if isinstance(event, Progress)]

    @property
    def lines(self):
        """Messages, and records in words."""
        return [line for event in self.events for line in said_of(event, False)]


class Answering:
    """A search method that finds ``answers[seed]`` (a number of the draw) at once, its budget spent.

    ``stop_at``: the search, counted from 1, that is interrupted; ``asks``: a stop is asked for while it searches.
    """

    def __init__(self, name, answers, space=None, error=None, stop_at=None, asks=False):
        self.name, self.answers, self.error, self.stop_at, self.asks = name, answers, error, stop_at, asks
        self.drawn = draw(space or NasBench201(), 8, 0)
        self.asked = []

    def search(self, problem, budget_seconds, seed, folder, events, stop):
        self.asked.append((seed, len(problem.data.test), problem.table))
        if self.stop_at == len(self.asked):
            raise KeyboardInterrupt
        if self.error is not None:
            raise self.error
        events(Recorded([], None, budget_seconds))
        events(Progress("epochs", 7, 9))
        if self.asks:
            stop.request()
        found = self.drawn[self.answers[seed]]
        cost = Cost(training=0.5 * budget_seconds, other=0.45 * budget_seconds)
        return SearchOutcome(found, cost, budget_seconds, 7, "candidates", 3, "answered", Path(folder))


def searched_enough(method, problem, seed, root, enough):
    """A search with a budget that was doubled until it held enough, so that no speed of the machine is relied on.

    Args:
        method: that searches.
        problem: that is searched.
        seed: of the search.
        root: for run folders.
        enough: takes an outcome.

    Returns:
        The outcome, its folder, and the seconds of the budget.
    """
    for seconds in (4.0 * 2**number for number in range(8)):
        folder = root / f"{seconds:g}" / f"seed-{seed}"
        with suppress(BudgetTooSmall):
            outcome = method.search(problem.for_search(), seconds, seed, folder, silent, StopRequest())
            if enough(outcome):
                return outcome, folder, seconds
    raise AssertionError(f"{seconds:g} s are not enough")
