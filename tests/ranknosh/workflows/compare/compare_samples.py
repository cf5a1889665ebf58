"""Settings of a small comparison, and methods that answer at once."""

import time
from pathlib import Path

from ranknosh.core.seeding import draw
from ranknosh.runs.events import Progress, Recorded, silent
from ranknosh.runs.progress import said_of
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.training.epoch import _train_epoch
from ranknosh.training.proxies import ProxyScorer
from ranknosh.workflows.compare.methods import InnerSearch
from ranknosh.workflows.compare.records import Cost, SearchOutcome

SETTINGS = {
    "seed": 5,
    "network": {"channels": 4, "cells": 1},
    "data": {"name": "digits", "train_limit": 200, "validation_limit": 100, "test_limit": 80},
    "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 6},
    "seeding": {"draw": 6},
    "predictor": {"name": "linear"},
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

    def search(self, asked):
        self.asked.append((asked.seed, len(asked.parts.task.data.test)))
        if self.stop_at == len(self.asked):
            raise KeyboardInterrupt
        if self.error is not None:
            raise self.error
        asked.events(Recorded([], None, asked.budget_seconds))
        asked.events(Progress("epochs", 7, 9))
        if self.asks:
            asked.stop.request()
        return self.outcome(asked.seed, asked.budget_seconds, asked.folder)

    def outcome(self, seed, budget, folder):
        cost = Cost(training=0.5 * budget, other=0.45 * budget)
        found = self.drawn[self.answers[seed]]
        return SearchOutcome(found, cost, budget, 7, "candidates", 3, "answered", Path(folder))


class Clock:
    """Time that passes with work, whatever the machine: an epoch lasts ``epoch`` seconds, the scores of a network a tenth."""

    def __init__(self, patch, epoch=1.0):
        self.now = 0.0
        patch.setattr("ranknosh.training.epoch._train_epoch", self._lasting(_train_epoch, epoch))
        patch.setattr(ProxyScorer, "scores", self._lasting(ProxyScorer.scores, 0.1))
        for name in ("monotonic", "perf_counter"):
            patch.setattr(time, name, lambda: self.now)

    def _lasting(self, work, seconds):
        def call(*args, **named):
            self.now += seconds
            return work(*args, **named)

        return call


def asked_of(parts, seed, folder, budget, events=silent, stop=None, owner="c-1"):
    """A search of a comparison."""
    return InnerSearch(parts, budget, seed, folder, owner, events, stop or StopRequest())
