"""A table of the whole NAS-Bench-201 space made from a formula, for benchmarks that must run without data."""

from __future__ import annotations

import numpy as np

from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from ranknosh.tasks.data.table import EPOCHS, Table

_WORTH = np.array([0.0, 0.04, 0.06, 0.08, 0.03])


def synthetic_table(seed: int = 0) -> Table:
    """15,625 cells whose accuracy is the sum of what their operations are worth, with seed noise, at 12 and 200 epochs."""
    space = get_space("nasbench201")
    architectures = tuple(space.enumerate())
    codes = np.array([architecture.code for architecture in architectures])
    value = 0.4 + (_WORTH[codes] * (1 + 0.1 * np.arange(codes.shape[1]))).sum(axis=1) / 1.3
    rng = stream(seed, "synthetic table")
    low = value[:, None] - 0.1 + 0.02 * rng.standard_normal((len(codes), 1))
    high = value[:, None] + 0.005 * rng.standard_normal((len(codes), 3))
    params = 1e5 + 1e6 * _WORTH[codes].sum(axis=1)
    clipped = (np.clip(low, 0, 1), np.clip(high, 0, 1))
    return Table(space, architectures, EPOCHS, clipped, np.full(len(codes), 1000.0), {"params": params})
