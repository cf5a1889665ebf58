"""Settings of a small comparison, and methods that answer at once."""

import time
from dataclasses import replace

from ranknosh.core.seeding import draw
from ranknosh.runs.events import Progress, Recorded, silent
from ranknosh.runs.progress import said_of
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.training.epoch import _train_epoch
from ranknosh.training.proxies import ProxyScorer
from ranknosh.workflows.compare.records import Cost, Searched
from ranknosh.workflows.retrain import RetrainRun
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.supernet.run import SupernetRun

SETTINGS = {
    "seed": 5,
    "space": {"channels": 4, "cells": 1},
    "data": {"name": "digits", "limit": 200, "validation_limit": 100, "test_limit": 80},
    "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 6},
    "seeding": {"draw": 6},
    "predictor": {"name": "linear"},
    "budget": {"epochs": 20},
    "baseline": "none",
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

    def search(self, config, seed, folder, *, command, data, events, stop):
        budget = config.budget.device_time
        self.asked.append((seed, len(data.data.test)))
        if self.stop_at == len(self.asked):
            raise KeyboardInterrupt
        if self.error is not None:
            raise self.error
        events(Recorded([], None, budget))
        events(Progress("epochs", 7 + 1 / 9, 9))
        if self.asks:
            stop.request()
        return self.outcome(seed, budget)

    def outcome(self, seed, budget):
        cost = Cost(training=0.5 * budget, other=0.45 * budget)
        found = self.drawn[self.answers[seed]]
        return Searched(self.name, seed, found, cost, budget, 7, "candidates", 3, "answered")


def without_inner_pages(patch):
    """Pages take longer than these searches and trainings; that of a comparison is made."""
    for kind in (SearchRun, SupernetRun, RetrainRun):
        patch.setattr(kind, "report_if_possible", lambda run, events: None)


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


def blind(task):
    """The task as a search sees it."""
    return task.with_data(replace(task.data, test=task.data.test.first(0)))


def searched_by(method, parts, seed, folder, budget, events=silent, stop=None, owner="c-1"):
    """How a search of a comparison ended; ``budget`` in seconds."""
    config = parts.config.replace([f"budget.device_time={budget}s"])
    given = {"data": blind(parts.recipe.task), "events": events, "stop": stop or StopRequest()}
    return method.search(config, seed, folder, command=f"{method.name}, {seed}, {owner}", **given)
