"""A finished run of every kind, as small as it can be, on the real digits."""

import pytest

from ranknosh.runs.run import Run, begin
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows import run_class
from ranknosh.workflows.retrain import preset

DATA = {"name": "digits", "limit": 64, "validation_limit": 32, "test_limit": 32}
SMALL = {"data": DATA, "space": {"channels": 2, "cells": 1}}
CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|"
PYRAMID = {"epochs": [1, 2], "initial": 3, "batch": 2, "candidates": 5}
SEARCHED = {**SMALL, "pyramid": PYRAMID, "seeding": {"draw": 3}, "baseline": "none"}
RECIPE = preset("tiny", NasBench201()).to_dict() | {"data": DATA, "space": {"name": "nasbench201", **SMALL["space"]}}
RECIPE["train"] |= {"epochs": 2}
ALONE = {name: value for name, value in RECIPE.items() if name != "architecture"}
BANK = {
    **SMALL,
    "pyramid": {"epochs": [2], "ratio": "auto", "initial": 1, "batch": 1, "candidates": 3, "schedule": "eager"},
}
BANK |= {"seeding": {"proxies": []}, "propose": {"exploration": 1.0}, "baseline": "none", "seeds": 2, "seeded": 1}
SETTINGS = {
    "search": {**SEARCHED, "budget": {"epochs": 20}},
    "supernet": {**SMALL, "method": {"name": "darts"}, "budget": {"epochs": 2}},
    "retrain": {**RECIPE, "architecture": CELL},
    "finals": {**ALONE, "train": {**RECIPE["train"], "all_data": False}, "architectures": [CELL], "seeds": 2},
    "score": {**SMALL, "count": 3, "proxies": ["params", "synflow"]},
    "compare": {**SEARCHED, "methods": ["random"], "budget": {"device_time": "1s"}, "final_epochs": 1, "seeds": 1},
    "bank": BANK,
}


def make(home):
    """A folder in ``home`` for each kind, without its page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "report_if_possible", lambda run, events: None)
        for name, settings in SETTINGS.items():
            kind = run_class(name)
            begin(kind, kind.SETTINGS.from_dict(settings), command=name, folder=home / name)
