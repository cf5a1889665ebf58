"""Small images and searches that take fractions of a second."""

import time
from unittest.mock import patch

import torch

from ranknosh.config.supernet import SupernetSettings
from ranknosh.core.records import Session
from ranknosh.runs.events import Epoch, Message, Progress, Recorded, silent
from ranknosh.runs.journal import FORMAT, Header, History
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.tasks.data import Data, Split
from ranknosh.tasks.data.base import assemble
from ranknosh.workflows import open_run
from ranknosh.workflows.supernet import SupernetRun, search_supernet
from ranknosh.workflows.supernet.assembly import SupernetData, parts_of
from ranknosh.workflows.supernet.records import SupernetEpoch, SupernetPlan, SupernetResult
from supernet.method import Method, Stage
from supernet.part import Part, Stop


def tiny_images(count=32, classes=4, side=8, seed=0, channels=3) -> Data:
    """Random pixels; every class equally often in each part."""
    generator = torch.Generator().manual_seed(seed)

    def part(many):
        pixels = torch.randint(0, 256, (many, channels, side, side), generator=generator, dtype=torch.uint8)
        return Split(pixels, torch.arange(many) % classes)

    return assemble("tiny", [part(count), part(classes), part(classes)], [str(c) for c in range(classes)])


SETTINGS = {
    "data": {"name": "python"},
    "space": {"channels": 4, "cells": 1},
    "recipe": {"batch": 8, "augment": "none"},
    "train": {"device": "cpu"},
}


def tiny_settings(**changes):
    return SupernetSettings.from_dict({**SETTINGS, **changes})


def tiny_parts(factory=None, images=None, **changes):
    return parts_of(tiny_settings(**changes), images or tiny_images(), factory)


def without_report():
    """Pages take longer than the trainings."""
    return patch.object(SupernetRun, "report_if_possible")


def search(folder, method="darts", images=None, report=False, **arguments):
    """A search of the tiny images in ``folder``, two epochs of two steps by default."""
    sections = {name: SETTINGS[name] for name in ("space", "recipe", "train")}
    arguments = {
        "epochs": 2,
        "data": images or tiny_images(),
        "folder": folder,
        "events": silent,
        **sections,
        **arguments,
    }
    if report:
        return search_supernet(method, **arguments)
    with without_report():
        return search_supernet(method, **arguments)


def resume(folder, overrides=(), images=None, **given):
    """The run of :func:`search` worked on to its end."""
    with without_report():
        return open_run(folder).resume(overrides, data=images or tiny_images(), **given)


class Heard:
    """Keeps the events of a search, and asks to stop after so many epochs. ``steps``: of the running epoch, in words."""

    def __init__(self, stop_after=None):
        self.plans, self.steps, self.epochs, self.shown, self.messages, self.lines = [], [], [], [], [], []
        self.stop = StopRequest(lambda: stop_after is not None and len(self.epochs) >= stop_after)

    def __call__(self, event):
        if isinstance(event, Recorded):
            self.plans += [record for record in event.records if isinstance(record, SupernetPlan)]
            self.epochs += [record for record in event.records if isinstance(record, SupernetEpoch)]
            self.lines += event.lines
        elif isinstance(event, Progress) and event.task == "epochs" and event.text:
            self.steps.append((event.done, event.text))
            assert event.left is not None  # however long the first epoch takes
        elif isinstance(event, Epoch):
            self.shown.append(event)
        elif isinstance(event, Message):
            self.messages.append(event.text)


class Clock:
    """Time that passes with work, whatever the machine: every batch that is taken lasts ``rate`` seconds."""

    def __init__(self, monkeypatch, rate=1.0):
        self.now, self.rate = 0.0, rate
        counted = SupernetData.batches

        def batches(data, *args, **kwargs):
            for each in counted(data, *args, **kwargs):
                self.now += self.rate
                yield each

        monkeypatch.setattr(SupernetData, "batches", batches)
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)


class StopAfter(Part):
    """Ends a search and names an earlier epoch."""

    def __init__(self, epoch, named):
        self.epoch, self.named = epoch, named

    def after_epoch(self, search, report):
        return Stop(self.named, "seen enough") if report.epoch == self.epoch else None


def own_method(epochs=3, last=1, named=0):
    """A user's method: DARTS with a rule that stops it."""
    return Method("own", "nobody", (Stage(epochs),), monitors=(StopAfter(last, named),))


NASBENCH201_EDGES = [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]]
OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
COMMAND = "ranknosh supernet darts <&>"


METRICS = {"accuracy": {"higher": True, "unit": "%"}, "loss": {"higher": False, "unit": "nats"}}
SMALL_SETTINGS = {"seed": 0, "space": {"name": "nasbench201", "channels": 4, "cells": 1}}


def history_of(places, *, thetas=None, stages=None, measured=None, truths=None, result=None):
    """The journal of a search of NAS-Bench-201 whose derived cells are ``places``, one tuple of six an epoch."""
    facts = {
        "title": "DARTS",
        "source": "Liu et al., ICLR 2019",
        "composition": "softmax | dense",
        "recipe": {"batch": 8, "augment": "none"},
        "space": "nasbench201",
        "metrics": METRICS,
        "ranked": "accuracy",
        "candidates": {"normal": [OPERATIONS] * 6},
        "edges": {"normal": NASBENCH201_EDGES},
    }
    data = {"name": "tiny", "examples": {"weights": 16, "alphas": 16}}
    header = Header(FORMAT, "supernet", "mine-1", "2026", COMMAND, SMALL_SETTINGS, data, facts, {"torch": "2"})
    history = History(
        header, [Session(1, 2, "cpu", COMMAND), SupernetPlan(9, 9, "softmax | dense | search 9", "given")]
    )
    for epoch, cell in enumerate(places):
        history.records.append(
            SupernetEpoch(
                epoch=epoch,
                stage="search" if stages is None else stages[epoch],
                lr=0.1,
                steps=2,
                weights_loss=2.0 / (epoch + 1),
                train_metric=0.5,
                alphas_loss=2.1 / (epoch + 1),
                theta={"normal": [[0.2] * 5] * 6 if thetas is None else thetas[epoch]},
                cells={"normal": list(cell)},
                text=NasBench201().format(Architecture("nasbench201", tuple(cell))),
                skips=list(cell).count(1),
                seconds=1.5,
                measured={} if measured is None else measured[epoch],
                truth=None if truths is None else truths[epoch],
            )
        )
    history.times = [0.0, 0.0, *(1.5 * (epoch + 1) for epoch in range(len(places)))]
    if result is not None:
        history.records.append(SupernetResult(**result))
        history.times.append(99.0)
    return history
