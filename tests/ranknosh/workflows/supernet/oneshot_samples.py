"""Small images and searches that take fractions of a second."""

import torch

from ranknosh.data import ImageData, Split
from ranknosh.data.base import assemble
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.supernet import search_supernet
from ranknosh.workflows.supernet.assembly import parts_of
from ranknosh.workflows.supernet.journal import Record
from ranknosh.workflows.supernet.outcome import Plan
from ranknosh.workflows.supernet.settings import SupernetConfig
from supernet.method import Method, Stage
from supernet.part import Part, Stop
from supernet.search import EpochReport


def tiny_images(count=32, classes=4, side=8, seed=0, channels=3) -> ImageData:
    """Random pixels; every class equally often in each part."""
    generator = torch.Generator().manual_seed(seed)

    def part(many):
        pixels = torch.randint(0, 256, (many, channels, side, side), generator=generator, dtype=torch.uint8)
        return Split(pixels, torch.arange(many) % classes)

    return assemble("tiny", [part(count), part(classes), part(classes)], [str(c) for c in range(classes)])


SETTINGS = {
    "data": None,
    "network": {"channels": 4, "cells": 1},
    "recipe": {"batch": 8, "augment": "none"},
    "train": {"device": "cpu"},
}


def tiny_config(**changes):
    return SupernetConfig.from_dict({**SETTINGS, **changes})


def tiny_parts(factory=None, images=None, **changes):
    return parts_of(tiny_config(**changes), images or tiny_images(), factory)


def search(folder, method="darts", images=None, **arguments):
    """A search of the tiny images in ``folder``, two epochs of two steps by default."""
    arguments = {"epochs": 2, "recipe": SETTINGS["recipe"], "device": "cpu", "report": False, **arguments}
    return search_supernet(method, data=images or tiny_images(), channels=4, cells=1, folder=folder, **arguments)


class Heard:
    """A listener that keeps what it is told, and asks to stop after so many epochs."""

    def __init__(self, stop_after=None):
        self.plans, self.steps, self.reports, self.truths, self.messages = [], [], [], [], []
        self.stop_after = stop_after

    def on_plan(self, plan):
        self.plans.append(plan)

    def on_step(self, epoch, step, steps):
        self.steps.append((epoch, step, steps))

    def on_epoch(self, report, true_accuracy):
        self.reports.append(report)
        self.truths.append(true_accuracy)

    def on_message(self, text):
        self.messages.append(text)

    def stop(self):
        return self.stop_after is not None and len(self.reports) >= self.stop_after


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


def told(places, *, thetas=None, stages=None, measured=None, truths=None, result=None):
    """The record of a search of NAS-Bench-201 whose derived cells are ``places``, one tuple of six an epoch."""
    record = Record(
        {
            "format": "supernet 1",
            "config": {"seed": 0},
            "method": {
                "name": "darts",
                "title": "DARTS",
                "source": "Liu et al., ICLR 2019",
                "composition": "softmax | dense",
                "recipe": {"batch": 8, "augment": "none"},
            },
            "space": "nasbench201",
            "candidates": {"normal": [OPERATIONS] * 6},
            "edges": {"normal": NASBENCH201_EDGES},
            "network": {"channels": 4, "cells": 1},
            "seed": 0,
            "versions": {"torch": "2"},
            "git": None,
            "command": "ranknosh supernet darts <&>",
            "data": {"name": "tiny", "images": {"weights": 16, "alphas": 16}},
        }
    )
    record.add(
        {"type": "session", "from_epoch": 0, "command": "ranknosh supernet darts <&>", "device": "cpu", "t": 0.0}
    )
    record.add({"type": "plan", "t": 0.0, **Plan(9, 9, "softmax | dense | search 9", "given").as_dict()})
    for epoch, cell in enumerate(places):
        text = NasBench201().format(Architecture("nasbench201", tuple(cell)))
        report = EpochReport(
            epoch=epoch,
            stage="search" if stages is None else stages[epoch],
            lr=0.1,
            steps=2,
            weights_loss=2.0 / (epoch + 1),
            train_accuracy=0.5,
            alphas_loss=2.1 / (epoch + 1),
            theta={"normal": [[0.2] * 5] * 6 if thetas is None else thetas[epoch]},
            cells={"normal": list(cell)},
            text=text,
            skips=list(cell).count(1),
            seconds=1.5,
            measured={} if measured is None else measured[epoch],
        )
        truth = None if truths is None else truths[epoch]
        record.add({"type": "epoch", **report.to_dict(), "true_accuracy": truth, "t": 1.5 * (epoch + 1)})
    if result is not None:
        record.add({"type": "result", **result, "t": 99.0})
    return record
