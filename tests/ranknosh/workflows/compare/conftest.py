"""A problem of real digits that trains in fractions of a second, and methods that answer at once."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ranknosh.config.search import SearchSettings
from ranknosh.core.seeding import draw
from ranknosh.data.table import Table
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.comparison import Wanted
from ranknosh.workflows.compare.method import Cost, SearchOutcome
from ranknosh.workflows.compare.problem import problem_of

SETTINGS = {
    "seed": 5,
    "network": {"channels": 4, "cells": 1},
    "data": {"name": "digits", "train_limit": 200, "validation_limit": 100, "test_limit": 80},
    "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 6},
    "seeding": {"draw": 6},
    "budget": {"epochs": 20},
}


class Heard:
    """Listener of a search and watcher of a comparison that keeps what it is told."""

    def __init__(self):
        self.spent, self.messages, self.standings = [], [], []

    def on_spent(self, seconds, text):
        self.spent.append((seconds, text))

    def on_message(self, text):
        self.messages.append(text)

    def on_standing(self, standing):
        self.standings.append(standing)


class Answering:
    """A search method that finds ``answers[seed]`` (a number of the draw) at once; None finds nothing."""

    def __init__(self, name, answers, space=None, error=None, stop_at=None):
        self.name, self.answers, self.error, self.stop_at = name, answers, error, stop_at
        self.drawn = draw(space or NasBench201(), 8, 0)
        self.asked = []

    def search(self, problem, budget_seconds, seed, folder, listener):
        self.asked.append((seed, len(problem.data.test), problem.table))
        if self.stop_at == len(self.asked):
            raise KeyboardInterrupt
        if self.error is not None:
            raise self.error
        listener.on_spent(budget_seconds, "done")
        found = self.drawn[self.answers[seed]]
        cost = Cost(training=0.5 * budget_seconds, other=0.45 * budget_seconds)
        return SearchOutcome(found, cost, budget_seconds, 7, "candidates", 3, "answered", Path(folder))


@pytest.fixture(scope="session")
def config():
    return SearchSettings.from_dict(SETTINGS)


@pytest.fixture(scope="session")
def problem(config):
    return problem_of(config)


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def answering():
    return Answering


@pytest.fixture
def wanted(config):
    def make(*methods, **changes):
        return dataclasses.replace(Wanted(config, methods, 2, 60.0, 1), **changes)

    return make


@pytest.fixture(scope="session")
def table():
    """Accuracies 50.0, 50.1, ... % of the first draws of the space, under two seeds that differ by 1 %."""
    space = NasBench201()
    drawn = draw(space, 8, 0)
    values = 50 + 0.1 * np.arange(len(drawn))
    return Table.from_arrays(
        {
            "arch": np.array([space.format(one) for one in drawn]),
            "epoch12_val": values.astype(np.float32),
            "epoch200_seeds": np.stack([values, values + 1], axis=1),
            "train_seconds_200": np.ones(len(drawn)),
        }
    )
