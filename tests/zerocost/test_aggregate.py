"""Rank aggregation against small cases by hand, against scipy and against counting duels one by one."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.stats import rankdata

from zerocost.aggregate import (
    COMBINATIONS,
    Combination,
    Row,
    borda,
    combine,
    log_rank_product,
    oriented_column,
    rank_mean,
    ranked,
    vote,
)

ROWS = [{"a": 3.0, "b": 10.0}, {"a": 1.0, "b": 30.0}, {"a": 2.0, "b": None}, {"a": 3.0, "b": 20.0}]
ALL = pytest.mark.parametrize("combination", COMBINATIONS.values(), ids=COMBINATIONS)


def some_rows(n: int, seed: int = 0) -> list[Row]:
    """Values 0 to 7 of three proxies, so that there are ties; every 7 is missing."""
    drawn = np.random.default_rng(seed).integers(0, 8, (n, 3))
    return [
        {name: None if value == 7 else float(value) for name, value in zip("abc", row, strict=True)} for row in drawn
    ]


def beats(values: Sequence[Row], name: str, direction: int, first: int, second: int) -> float:
    """1 where the first is better, 0 where the second is, one half where neither: by looking at the two values only."""
    one, other = values[first][name], values[second][name]
    if one is None or other is None:
        return 0.5 if one is other else float(other is None)
    return 0.5 if one == other else float((one > other) == (direction > 0))


def test_rank_mean_by_hand() -> None:
    # a: ranks 3.5, 1, 2, 3.5; b with smaller better: 10, 20, 30, missing -> 4, 2, 1, 3.
    assert rank_mean(ROWS, {"a": 1, "b": -1}) == [3.75, 1.5, 1.5, 3.25]
    assert rank_mean(ROWS, {"a": 1, "b": -1}, {"a": 1.0, "b": 3.0}) == pytest.approx([3.875, 1.75, 1.25, 3.125])


def test_borda_by_hand() -> None:
    # a beats 2.5, 0, 1, 2.5 others; b 3, 1, 0, 2.
    assert borda(ROWS, {"a": 1, "b": -1}) == [5.5, 1.0, 1.0, 4.5]
    assert borda(ROWS, {"a": 1, "b": -1}, {"a": 2.0, "b": 0.5}) == [6.5, 0.5, 2.0, 6.0]


def test_log_rank_product_by_hand() -> None:
    logs = log_rank_product(ROWS, {"a": 1, "b": -1})
    assert logs == pytest.approx([math.log(3.5 * 4 / 16), math.log(2 / 16), math.log(2 / 16), math.log(3.5 * 3 / 16)])
    assert log_rank_product(ROWS, {"a": 1, "b": -1}, {"b": 2.0}) == pytest.approx(
        [0.0, 2 * math.log(2 / 4), 2 * math.log(1 / 4), 2 * math.log(3 / 4)]
    )


def test_one_bad_rank_costs_the_product_more_than_the_mean() -> None:
    rows = [
        {"a": 5.0, "b": 1.0},
        {"a": 3.0, "b": 2.0},
        {"a": 4.0, "b": 3.0},
        {"a": 2.0, "b": 4.0},
        {"a": 1.0, "b": 5.0},
    ]
    directions = {"a": 1, "b": 1}
    assert rank_mean(rows, directions)[0] > rank_mean(rows, directions)[1]
    assert log_rank_product(rows, directions)[0] < log_rank_product(rows, directions)[1]


def test_vote_by_hand() -> None:
    rows = [{"a": 3.0, "b": 3.0, "c": 1.0}, {"a": 2.0, "b": 1.0, "c": 3.0}, {"a": 1.0, "b": 2.0, "c": None}]
    # first beats second on a and b, third on all; second beats third on a and c.
    assert vote(rows, {"a": 1, "b": 1, "c": 1}) == [1.0, 0.5, 0.0]
    # c has more votes than a and b together; second beats third with 4 to 1.
    assert vote(rows, {"a": 1, "b": 1, "c": 1}, {"a": 1.0, "b": 1.0, "c": 3.0}) == [0.5, 1.0, 0.0]
    assert vote(rows[:1], {"a": 1}) == [0.5]
    assert vote([{"a": 1.0}, {"a": 1.0}], {"a": 1}) == [0.5, 0.5]


def test_votes_that_add_up_to_a_draw_are_one_whatever_their_rounding() -> None:
    rows = [{"a": 1.0, "b": 1.0, "c": 0.0}, {"a": 0.0, "b": 0.0, "c": 1.0}]
    for weights in ({"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.2, "b": 0.7, "c": 0.9}, {"a": 0.1, "b": 1.3, "c": 1.4}):
        assert vote(rows, {"a": 1, "b": 1, "c": 1}, weights) == [0.5, 0.5]


@pytest.mark.parametrize("weights", [None, {"a": 0.5, "b": 2.0, "c": 1.25}, {"b": 1.0}])
def test_borda_and_vote_agree_with_duels_fought_one_by_one(weights: Mapping[str, float] | None) -> None:
    rows, directions = some_rows(40), {"a": 1, "b": -1, "c": 1}
    shares = weights if weights is not None else dict.fromkeys(directions, 1.0)
    points, wins = [], []
    for first in range(len(rows)):
        duels = [
            {name: beats(rows, name, direction, first, second) for name, direction in directions.items()}
            for second in range(len(rows))
            if second != first
        ]
        points.append(sum(share * duel[name] for duel in duels for name, share in shares.items()))
        balances = [sum(share * (duel[name] - 0.5) for name, share in shares.items()) for duel in duels]
        wins.append(sum(0.5 if balance == 0 else float(balance > 0) for balance in balances) / len(duels))
    assert borda(rows, directions, weights) == pytest.approx(points)
    assert vote(rows, directions, weights) == pytest.approx(wins)
    total = sum(shares.values())
    assert points == pytest.approx([total * (mean - 1) for mean in rank_mean(rows, directions, weights)])


def test_vote_compares_more_rows_than_fit_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, directions = some_rows(50, seed=3), {"a": 1, "b": 1, "c": -1}
    whole = vote(rows, directions)
    monkeypatch.setattr("zerocost.aggregate._PAIRS", 350)
    assert vote(rows, directions) == whole


@ALL
@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", [1, -1])
def test_missing_is_worst_in_either_direction(combination: Combination, missing: float | None, direction: int) -> None:
    for rows in ([{"a": 5.0}, {"a": missing}, {"a": -5.0}], [{"a": 5.0}, {}, {"a": -5.0}]):
        scores = combination(rows, {"a": direction}, None)
        assert scores[1] < min(scores[0], scores[2])
        assert (scores[0] > scores[2]) == (direction > 0)


def test_oriented_column() -> None:
    rows: list[Row] = [{"a": 2}, {"a": None}, {}, {"a": math.nan}, {"a": math.inf}, {"a": -3.5}]
    worst = -math.inf
    assert oriented_column(rows, "a", 1) == [2, worst, worst, worst, worst, -3.5]
    assert oriented_column(rows, "a", -1) == [-2, worst, worst, worst, worst, 3.5]


def test_ranks_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 17, 200):
        column = rng.integers(0, 12, size).astype(float)
        column[rng.random(size) < 0.1] = -math.inf
        assert ranked([column.tolist(), -column])[0].tolist() == rankdata(column).tolist()
    assert ranked([[]]).shape == (1, 0)


@ALL
@pytest.mark.parametrize("directions", [{}, {"a": 0}, {"a": 2}])
def test_directions_that_are_none(combination: Combination, directions: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="directions"):
        combination(ROWS, directions, None)


@ALL
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": -1.0, "b": 2.0}, "weight of 'a' is -1.0"),
        ({"a": 1.0, "b": math.nan}, "weight of 'b' is nan"),
        ({"a": math.inf}, "weight of 'a' is inf"),
        ({"a": 0.0, "b": 0}, "all weights of the proxies a, b are 0"),
        ({}, "all weights of the proxies a, b are 0"),
        ({"a": 1.0, "snipp": 1.0}, "'snipp', which are none of the proxies a, b"),
    ],
)
def test_weights_that_are_none(combination: Combination, weights: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        combination(ROWS, {"a": 1, "b": -1}, weights)


@ALL
def test_weights_count_by_their_proportions_and_change_the_order(combination: Combination) -> None:
    rows, directions = some_rows(30), {"a": 1, "b": -1, "c": 1}

    def ranks(scores: list[float]) -> list[float]:
        return ranked([scores])[0].tolist()

    plain = ranks(combination(rows, directions, None))
    assert ranks(combination(rows, directions, dict.fromkeys("abc", 1 / 3))) == plain
    assert ranks(combination(rows, directions, {"a": 5.0, "b": 1.0, "c": 1.0})) != plain
    alone = combination(rows, {"b": -1}, None)
    assert ranks(combination(rows, directions, {"b": 0.3})) == ranks(alone)
    assert ranks(combination(rows, directions, {"a": 0.0, "b": 7.0})) == ranks(alone)


@ALL
def test_the_same_ranks_in_other_proxies_make_a_tie(combination: Combination) -> None:
    names = "abcdefg"
    rows = [{name: float((place + turn) % 7) for place, name in enumerate(names)} for turn in range(7)]
    for weights in (None, dict.fromkeys(names, 0.1)):
        assert len(set(combination(rows, dict.fromkeys(names, 1), weights))) == 1


@ALL
def test_any_increasing_transformation_changes_nothing(combination: Combination) -> None:
    rng = np.random.default_rng(1)
    rows = [{"a": float(a), "b": float(b)} for a, b in rng.normal(size=(30, 2))]
    bent = [{"a": math.exp(row["a"]), "b": row["b"] ** 3} for row in rows]
    for weights in (None, {"a": 1.0, "b": 0.7}):
        assert combination(rows, {"a": 1, "b": -1}, weights) == combination(bent, {"a": 1, "b": -1}, weights)


@ALL
def test_none_and_one_row(combination: Combination) -> None:
    assert combination([], {"a": 1}, None) == []
    assert len(combination([{"a": None}], {"a": 1}, None)) == 1


def test_combine_goes_by_name() -> None:
    rows, directions, weights = some_rows(12), {"a": 1, "b": -1}, {"a": 1.0, "b": 2.0}
    assert combine(rows, directions) == rank_mean(rows, directions)
    for how, combination in COMBINATIONS.items():
        assert combine(rows, directions, how, weights) == combination(rows, directions, weights)
    with pytest.raises(ValueError, match=r"'median' is no way .* rank_mean, borda, log_rank_product, vote"):
        combine(rows, directions, "median")


def test_aggregation_needs_no_torch() -> None:
    code = "import sys; from zerocost.aggregate import combine; combine([{'a': 1.0}], {'a': 1}); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
