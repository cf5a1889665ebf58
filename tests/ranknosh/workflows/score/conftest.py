"""Settings for a few cells of real digits, and rows with values made up by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ranknosh.config.score import ScoreSettings
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks import Task
from ranknosh.tasks.catalog import make_task
from ranknosh.workflows.score.rows import ScoreRow
from tests.image_sets import load

SPACE = get_space("nasbench201", channels=4, cells=1)


@pytest.fixture(scope="session")
def digits() -> Task:
    return make_task(load("digits"), {})


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., ScoreSettings]:
    """``make_settings(texts, proxies)``: networks of 4 channels and one cell a stage, a batch of 8 digits."""

    def make(texts: Sequence[str], proxies: Sequence[str] = ("params", "synflow"), **settings: Any) -> ScoreSettings:
        plain = {"architectures": list(texts), "count": 0, "proxies": list(proxies), "batch": 8}
        return ScoreSettings.from_dict({**plain, "space": {"channels": 4, "cells": 1}, **settings})

    return make


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., list[ScoreRow]]:
    """``make_rows({"nwot": [1.0, None]}, truth=[0.5, 0.6])``: one row a value; a missing one has a reason."""

    def make(columns: dict[str, Sequence[float | None]], truth: Sequence[float | None] | None = None) -> list[ScoreRow]:
        count = len(next(iter(columns.values())))
        every = list(SPACE.enumerate())
        return [
            ScoreRow(
                SPACE.format(every[place]),
                f"key-{place}",
                {name: column[place] for name, column in columns.items()},
                {name: f"no {name}" for name, column in columns.items() if column[place] is None},
                dict.fromkeys(columns, 0.25),
                None,
                None if truth is None else truth[place],
            )
            for place in range(count)
        ]

    return make
