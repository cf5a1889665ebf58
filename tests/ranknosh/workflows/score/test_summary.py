"""Summaries against figures worked out by hand and by scipy."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from ranknosh.workflows.score.rows import ScoreRow
from ranknosh.workflows.score.summary import (
    ProxySummary,
    correlations,
    least_redundant,
    oriented,
    proxy_table,
    seconds_each,
    summarise,
)

MakeRows = Callable[..., list[ScoreRow]]
NONE = [None] * 5


def test_counts_median_seconds_and_reasons(make_rows: MakeRows) -> None:
    rows = make_rows({"nwot": [3.0, None, 1.0, None, 10.0], "zen": NONE})
    nwot, zen = summarise(rows, {"nwot": 1, "zen": -1})
    assert (nwot.given, nwot.missing, nwot.median, nwot.seconds) == (3, 2, 3.0, 0.25)
    assert nwot.reasons == (("no nwot", 2),)
    assert (nwot.with_params, nwot.with_truth) == (None, None)
    assert (zen.given, zen.missing, zen.median, zen.direction) == (0, 5, None, -1)
    assert seconds_each(rows) == 0.5
    assert zen.as_dict()["reasons"] == [{"reason": "no zen", "count": 5}]


def test_correlations_count_a_missing_value_as_the_worst_whatever_the_direction(make_rows: MakeRows) -> None:
    rows = make_rows(
        {"params": [1.0, 2.0, 3.0, 4.0, 5.0], "ntk": [None, 40.0, 30.0, 20.0, 10.0]}, truth=[0.1, 0.2, 0.3, 0.4, 0.5]
    )
    params, ntk = summarise(rows, {"params": 1, "ntk": -1})
    assert params.with_params is not None
    assert params.with_params.rho == pytest.approx(1.0)
    assert ntk.with_params is not None
    assert ntk.with_params.rho == pytest.approx(1.0)
    assert ntk.with_truth is not None
    assert ntk.with_truth.rho == pytest.approx(1.0)
    assert ntk.with_truth.error == pytest.approx(0.0)
    assert list(oriented(rows, "ntk", -1)) == [-math.inf, -40, -30, -20, -10]


def test_only_rows_with_an_truth_are_judged_by_it(make_rows: MakeRows) -> None:
    rows = make_rows({"nwot": [1.0, 2.0, 3.0, 4.0, 0.0]}, truth=[0.1, 0.2, 0.3, 0.4, None])
    (nwot,) = summarise(rows, {"nwot": 1})
    assert nwot.with_truth is not None
    assert (nwot.with_truth.n, nwot.with_truth.rho) == (4, pytest.approx(1.0))


def test_the_matrix_holds_every_pair_and_nothing_of_constant_proxies(make_rows: MakeRows) -> None:
    columns = {"a": [1.0, 2.0, 3.0, 4.0, None], "b": [4.0, 3.0, 2.0, 1.0, 9.0], "c": [1.0] * 5, "d": NONE}
    rows = make_rows(columns)
    rho = correlations(rows, {"a": 1, "b": -1, "c": 1, "d": 1})
    assert rho[0, 0] == pytest.approx(1.0)
    assert rho[0, 1] == rho[1, 0] == pytest.approx(1.0)
    assert np.isnan(rho[2:]).all()
    assert np.isnan(rho[:, 2:]).all()


def test_the_least_redundant_are_those_that_brute_force_would_drop_last() -> None:
    # Twins 0 and 1 agree most, and 1 is closer to 2: out goes 1. Then 2 and 3 agree (backwards), 3 is closer to 0: out goes 3.
    rho = np.array([[1.0, 0.95, 0.1, 0.3], [0.95, 1.0, 0.6, 0.3], [0.1, 0.6, 1.0, -0.8], [0.3, 0.3, -0.8, 1.0]])
    assert least_redundant(rho, 4) == [0, 1, 2, 3]
    assert least_redundant(rho, 3) == [0, 2, 3]
    assert least_redundant(rho, 2) == [0, 2]
    rho[2] = rho[:, 2] = np.nan
    assert least_redundant(rho, 4) == [0, 1, 3]


@pytest.mark.parametrize(
    ("median", "text"),
    [(61856.0, "61,856"), (-114512.3, "-114,512"), (8686.0, "8686"), (0.0774321, "0.07743"), (3e12, "3e+12")],
)
def test_large_medians_have_every_digit_before_the_point(median: float, text: str) -> None:
    found = ProxySummary("macs", 1, 1, 0, median, 0.01, None, None, ())
    head, (row,) = proxy_table([found], judged=False)
    assert row[head.index("median")] == text
