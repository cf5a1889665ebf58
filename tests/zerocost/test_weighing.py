"""Weights of proxies: by hand, against another solver and against the conditions of a minimum, and as evidence arrives."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from scipy.stats import rankdata

from zerocost.aggregate import Row, rank_mean
from zerocost.correlation import spearman
from zerocost.weighing import _least_over_nonnegative, proxy_weights

UP = {"good": 1, "noise": 1, "bad": 1}


def candidates(n: int, seed: int = 0) -> tuple[list[dict[str, float | None]], list[float]]:
    """A proxy that knows half of the outcome, one that knows nothing and one that has it backwards."""
    draw = random.Random(seed).gauss
    outcomes = [draw(0, 1) for _ in range(n)]
    rows: list[dict[str, float | None]] = [
        {"good": outcome + draw(0, 1), "noise": draw(0, 1), "bad": draw(0, 1) - outcome} for outcome in outcomes
    ]
    return rows, outcomes


def test_one_proxy_and_two_by_hand() -> None:
    assert proxy_weights([{"a": 1.0}, {"a": 2.0}], [0.1, 0.2], {"a": 1}) == {"a": 1.0}
    # a is the order of the outcomes, b has none of it: X'X = 4 I, X'y = (4, 0), strength 4: (4 + 2) / 8 and 2 / 8.
    rows = [{"a": a, "b": b} for a, b in ((1.0, 1.0), (1.0, 2.0), (2.0, 1.0), (2.0, 2.0))]
    found = proxy_weights(rows, [0.5, 0.5, 0.7, 0.7], {"a": 1, "b": 1}, strength=4.0)
    assert found == pytest.approx({"a": 0.75, "b": 0.25})
    # With b taken the other way round nothing changes; with a so, X'y = (-4, 0): a falls to 0.
    assert proxy_weights(rows, [0.5, 0.5, 0.7, 0.7], {"a": 1, "b": -1}, strength=4.0) == pytest.approx(found)
    assert proxy_weights(rows, [0.5, 0.5, 0.7, 0.7], {"a": -1, "b": 1}, strength=4.0) == {"a": 0.0, "b": 1.0}


def test_agrees_with_another_solver_of_the_same_problem() -> None:
    rng = np.random.default_rng(0)
    for n, k, strength in ((3, 6, 10.0), (12, 4, 1.0), (80, 9, 10.0), (200, 25, 0.1), (40, 25, 1e-3)):
        common = rng.normal(size=(n, 1))
        table = rng.normal(size=(n, k)) + rng.choice([-1, 0, 1, 4], k) * common
        table[:, -1] = table[:, 0].round()
        outcomes = common[:, 0] + rng.normal(size=n)
        names = [f"p{number}" for number in range(k)]
        found = proxy_weights(
            [dict(zip(names, row, strict=True)) for row in table.tolist()],
            outcomes.tolist(),
            dict.fromkeys(names, 1),
            strength,
        )
        ranks = rankdata(np.column_stack([table, outcomes]), axis=0)
        ranks = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
        system = np.vstack([ranks[:, :-1], math.sqrt(strength) * np.eye(k)])
        expected = nnls(system, np.concatenate([ranks[:, -1], np.full(k, math.sqrt(strength) / k)]))[0]
        assert list(found.values()) == pytest.approx((expected / expected.sum()).tolist(), abs=1e-9)


def test_the_minimum_satisfies_its_conditions() -> None:
    """No weight below 0, no slope downhill at a weight of 0, no slope at all at the others."""
    generator = torch.Generator().manual_seed(0)
    held = 0
    for count in (1, 2, 5, 25):
        for _ in range(20):
            table = torch.randn(count, 2 * count, generator=generator, dtype=torch.float64)
            curvature = table @ table.T + 0.01 * torch.eye(count, dtype=torch.float64)
            slope = torch.randn(count, generator=generator, dtype=torch.float64) * 10
            weights = _least_over_nonnegative(curvature, slope)
            uphill = curvature @ weights - slope
            assert bool((weights >= 0).all())
            assert float(uphill.min()) > -1e-9
            assert float((uphill * weights).abs().max()) < 1e-8
            held += int((weights == 0).sum())
    assert held > 100


@pytest.mark.parametrize("count", [1, 2, 3, 7, 25])
def test_without_evidence_all_are_alike(count: int) -> None:
    directions = {f"p{number}": 1 for number in range(count)}
    rows: list[Row] = [{name: random.Random(f"{name}{row}").random() for name in directions} for row in range(6)]
    alike = dict.fromkeys(directions, 1 / count)
    assert proxy_weights([], [], directions) == alike
    assert proxy_weights(rows[:1], [0.3], directions) == alike
    assert proxy_weights(rows, [0.3] * 6, directions) == alike


def test_evidence_moves_the_weights_and_noise_fades() -> None:
    few, many = (proxy_weights(*candidates(n), UP) for n in (10, 2000))
    assert few["good"] > 1 / 3
    assert many["good"] > few["good"]
    assert many["noise"] < 0.06
    assert many["bad"] == 0.0
    mean_of = [np.mean([proxy_weights(*candidates(n, seed), UP)["noise"] for seed in range(30)]) for n in (3, 30, 300)]
    assert mean_of[0] > mean_of[1] > mean_of[2]
    assert proxy_weights(*candidates(2000), UP | {"bad": -1})["bad"] > 0.3


def test_strength_is_how_many_candidates_equal_weights_stand_for() -> None:
    rows, outcomes = candidates(50)
    distances = [
        max(abs(weight - 1 / 3) for weight in proxy_weights(rows, outcomes, UP, strength).values())
        for strength in (0.1, 10.0, 1000.0, 1e9)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-6
    twice = proxy_weights(rows * 2, outcomes * 2, UP, 20.0)
    assert twice == pytest.approx(proxy_weights(rows, outcomes, UP, 10.0))


def test_a_proxy_said_twice_shares_its_weight() -> None:
    rows, outcomes = candidates(1000)
    directions = {"good": 1, "noise": 1}
    once = proxy_weights(rows, outcomes, directions)
    twice = proxy_weights([row | {"again": row["good"]} for row in rows], outcomes, {"again": 1} | directions)
    assert twice["again"] == pytest.approx(twice["good"], rel=1e-9)
    assert twice["again"] + twice["good"] == pytest.approx(once["good"], abs=0.02)


def test_nothing_that_helps_leaves_no_weight() -> None:
    rows, outcomes = candidates(200)
    assert proxy_weights(rows, outcomes, {"bad": 1, "good": -1}) == {"bad": 0.0, "good": 0.0}


def test_a_constant_proxy_gets_no_evidence() -> None:
    rows, outcomes = candidates(30)
    for constant in (None, 2.0):
        directions = {"good": 1, "same": 1, "bad": 1}
        found = proxy_weights([row | {"same": constant} for row in rows], outcomes, directions, 1e-9)
        # Nothing but the constant is held back by so little strength: 1/3 against the correlation of the only one that helps.
        rho = spearman([row["good"] or 0.0 for row in rows], outcomes) or 0.0
        assert found == pytest.approx({"good": rho / (rho + 1 / 3), "same": (1 / 3) / (rho + 1 / 3), "bad": 0.0})


def test_missing_values_count_as_the_worst() -> None:
    rows, outcomes = candidates(40)
    worst = min(range(40), key=outcomes.__getitem__)
    gone = [row | {"good": None} if place == worst else row for place, row in enumerate(rows)]
    for direction in (1, -1):
        lowest = [row | {"good": direction * -1e9} if row["good"] is None else row for row in gone]
        directions = UP | {"good": direction}
        assert proxy_weights(gone, outcomes, directions) == proxy_weights(lowest, outcomes, directions)
    best = max(range(40), key=outcomes.__getitem__)
    flattered = proxy_weights(gone, outcomes, UP)["good"]
    assert proxy_weights([rows[i] | ({"good": None} if i == best else {}) for i in range(40)], outcomes, UP)["good"] < (
        flattered
    )


def test_order_of_candidates_and_increasing_transformations_change_nothing() -> None:
    rows, outcomes = candidates(60)
    expected = proxy_weights(rows, outcomes, UP)
    mixed = random.Random(1).sample(range(60), 60)
    assert proxy_weights([rows[i] for i in mixed], [outcomes[i] for i in mixed], UP) == pytest.approx(expected)
    bent: list[Row] = [row | {"good": math.exp(row["good"] or 0.0)} for row in rows]
    assert proxy_weights(bent, [outcome**3 for outcome in outcomes], UP) == expected
    assert proxy_weights(rows, outcomes, UP) == expected


def test_never_below_zero_and_always_one_together() -> None:
    for seed in range(60):
        rows, outcomes = candidates(random.Random(seed).randrange(2, 30), seed)
        weights = proxy_weights(rows, outcomes, UP, strength=10.0 ** (seed % 5 - 2))
        assert all(weight >= 0 for weight in weights.values())
        assert sum(weights.values()) == pytest.approx(1.0) or not any(weights.values())


def test_fitted_weights_make_a_better_order_of_new_candidates() -> None:
    weights = proxy_weights(*candidates(60), UP)
    rows, outcomes = candidates(500, seed=9)
    better, plain = spearman(rank_mean(rows, UP, weights), outcomes), spearman(rank_mean(rows, UP), outcomes)
    assert (better or 0) > (plain or 0) + 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outcomes": [1.0]}, "got 2 and 1"),
        ({"outcomes": [1.0, math.nan]}, "outcome 1 is nan"),
        ({"outcomes": [-math.inf, 1.0]}, "outcome 0 is -inf"),
        ({"directions": {}}, "directions"),
        ({"directions": {"a": 3}}, "directions"),
        ({"strength": 0.0}, "strength is 0.0"),
        ({"strength": math.inf}, "strength is inf"),
    ],
)
def test_input_that_is_refused(change: dict, message: str) -> None:
    given = {"values": [{"a": 1.0}, {"a": 2.0}], "outcomes": [0.0, 1.0], "directions": {"a": 1}} | change
    with pytest.raises(ValueError, match=message):
        proxy_weights(**given)
