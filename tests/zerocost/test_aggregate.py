"""Rank aggregation against small cases by hand and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import rankdata

from zerocost.aggregate import average_ranks, rank_mean, vote

ROWS = [{"a": 3.0, "b": 10.0}, {"a": 1.0, "b": 30.0}, {"a": 2.0, "b": None}, {"a": 3.0, "b": 20.0}]


def test_rank_mean_by_hand() -> None:
    # a: ranks 3.5, 1, 2, 3.5; b with smaller better: 10, 20, 30, missing -> 4, 2, 1, 3.
    assert rank_mean(ROWS, {"a": 1, "b": -1}) == [3.75, 1.5, 1.5, 3.25]


def test_vote_by_hand() -> None:
    rows = [{"a": 3.0, "b": 3.0, "c": 1.0}, {"a": 2.0, "b": 1.0, "c": 3.0}, {"a": 1.0, "b": 2.0, "c": None}]
    # first beats second on a and b, third on all; second beats third on a and c.
    assert vote(rows, {"a": 1, "b": 1, "c": 1}) == [1.0, 0.5, 0.0]
    assert vote(rows[:1], {"a": 1}) == [0.5]
    assert vote([{"a": 1.0}, {"a": 1.0}], {"a": 1}) == [0.5, 0.5]


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", [1, -1])
def test_missing_is_worst_in_either_direction(missing: float | None, direction: int) -> None:
    assert rank_mean([{"a": 5.0}, {"a": missing}, {"a": -5.0}], {"a": direction})[1] == 1.0
    assert rank_mean([{"a": 5.0}, {}, {"a": -5.0}], {"a": direction})[1] == 1.0


def test_ranks_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 17, 200):
        column = rng.integers(0, 12, size).astype(float)
        column[rng.random(size) < 0.1] = -math.inf
        assert average_ranks(column.tolist()) == rankdata(column).tolist()
    assert average_ranks([]) == []


@pytest.mark.parametrize("directions", [{}, {"a": 0}, {"a": 2}])
def test_directions_that_are_none(directions: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="directions"):
        rank_mean(ROWS, directions)


def test_any_increasing_transformation_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 2))
    rows = [{"a": float(a), "b": float(b)} for a, b in values]
    bent = [{"a": math.exp(row["a"]), "b": row["b"] ** 3} for row in rows]
    for combine in (rank_mean, vote):
        assert combine(rows, {"a": 1, "b": -1}) == combine(bent, {"a": 1, "b": -1})
