from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream

MakeEvidence = Callable[..., Evidence]


@pytest.fixture(scope="session")
def space() -> Space:
    return get_space("nasbench201")


@pytest.fixture(scope="session")
def everyone(space: Space) -> Encodings:
    """A third of the space, so that whole-space tests stay quick."""
    return Encodings(space, list(space.enumerate())[::3])


@pytest.fixture(scope="session")
def target(everyone: Encodings) -> NDArray[np.float64]:
    """A known order: an effect per slot and choice, plus some of pairs of slots."""
    rng = stream(1, "target")
    single, double = rng.normal(size=(6, 5)), rng.normal(size=(6, 6, 5, 5)) * 0.3
    codes = everyone.codes
    value = sum(single[i][codes[:, i]] for i in range(6))
    return value + sum(double[i, j][codes[:, i], codes[:, j]] for i in range(6) for j in range(i))


def _evidence(metric: NDArray[np.float64], failed: NDArray[np.bool_] | None = None) -> Evidence:
    n = len(metric)
    failed = np.zeros(n, dtype=bool) if failed is None else failed
    wins = (metric[:, None] > metric[None, :]) & ~failed[:, None] & ~failed[None, :]
    wins |= ~failed[:, None] & failed[None, :]
    pairs = np.stack(np.nonzero(wins), axis=1).astype(np.int64)
    order = np.zeros(n)
    alive = np.flatnonzero(~failed)
    order[alive[np.argsort(metric[alive])]] = np.arange(1, len(alive) + 1) / len(alive)
    levels = np.where(failed, 0, 1).astype(np.int64)
    return Evidence((), pairs, np.ones(len(pairs), np.float32), order, levels, order[:, None])


@pytest.fixture(scope="session")
def make_evidence() -> MakeEvidence:
    """All pairs of one level from a metric; failed ones lose to the others and form no other pair."""
    return _evidence
