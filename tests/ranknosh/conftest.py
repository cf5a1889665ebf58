"""A table of finished trainings by a formula, for the tests of tables and of benchmarks on them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ranknosh.spaces.catalog import get_space
from ranknosh.tasks.data.table import Table

Arrays = dict[str, Any]


def formula(codes: np.ndarray, seed: int = 0) -> Arrays:
    """Arrays in a table's layout: what an edge is worth depends on its operation, twelve epochs see it through noise."""
    rng = np.random.default_rng(seed)
    worth = np.array([0.0, 2.0, 3.0, 4.0, 1.0])
    value = 50 + (worth[codes] * (1 + 0.1 * np.arange(6))).sum(axis=1)
    seeds = value[:, None] + 0.2 * rng.standard_normal((len(codes), 3))
    seeds[::2, 2] = np.nan
    space = get_space("nasbench201")
    everyone = list(space.enumerate())
    place = {architecture.code: architecture for architecture in everyone}
    return {
        "arch": np.array([space.format(place[tuple(code)]).encode() for code in codes.tolist()]),
        "epoch12_val": (value - 20 + rng.standard_normal(len(codes))).astype(np.float32),
        "epoch200_seeds": seeds.astype(np.float32),
        "train_seconds_200": np.full(len(codes), 1000.0, np.float32),
        "params_mb": (0.1 + worth[codes].sum(axis=1) / 100).astype(np.float32),
    }


@pytest.fixture(scope="session")
def every_code() -> np.ndarray:
    return np.array([architecture.code for architecture in get_space("nasbench201").enumerate()])


@pytest.fixture(scope="session")
def arrays(every_code: np.ndarray) -> Callable[[int], Arrays]:
    """Arrays of some of the space: ``arrays(n)`` has n rows."""
    order = np.random.default_rng(1).permutation(len(every_code))
    return lambda n: formula(every_code[order[:n]])


@pytest.fixture(scope="session")
def small(arrays: Callable[[int], Arrays]) -> Table:
    return Table.from_arrays(arrays(400))


@pytest.fixture(scope="session")
def whole(every_code: np.ndarray) -> Table:
    return Table.from_arrays(formula(every_code))
