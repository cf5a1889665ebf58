"""What a search starts from: distinct and live, the best and some by chance, whatever the order of the input."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from ranknosh.core.records import Scored
from ranknosh.core.seeding import COMBINATIONS, Combine, LevelZero, draw
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.choices import Choice
from zerocost.aggregate import log_rank_product, rank_mean, vote

SPACE = get_space("nasbench201")


class Pairs(Space):
    """Codes of two slots, unordered: 6 functions out of 9 codes, of which (0, 0) is dead."""

    name = "pairs"
    choices = (Choice("first", (0, 1, 2)), Choice("second", (0, 1, 2)))

    def __init__(self, enumerable: bool) -> None:
        self.most_enumerable = 9 if enumerable else 0

    def canonical(self, architecture: Architecture) -> str:
        return "".join(map(str, sorted(architecture.code)))

    def is_dead(self, architecture: Architecture) -> bool:
        return architecture.code == (0, 0)


def scored(values: list[dict[str, float | None]]) -> list[Scored]:
    return [Scored(Architecture("line", (i,)), f"key{i:03d}", f"text{i:03d}", row, 0.0) for i, row in enumerate(values)]


def codes(chosen: tuple[tuple[Architecture, str, float | None], ...]) -> list[int]:
    return [architecture.code[0] for architecture, _, _ in chosen]


def choose(items: list[Scored], *, keep: int, random_share: float, **how: Any) -> Any:
    return LevelZero(items, **how).choose(keep, random_share)


def combined_scores(items: list[Scored], *, weights: dict[str, float] | None = None, **how: Any) -> Any:
    return LevelZero(items, **how).scores(weights)


def line(n: int) -> list[Scored]:
    return scored([{"a": float(i)} for i in range(n)])


def test_draw_is_distinct_live_and_seeded() -> None:
    drawn = draw(SPACE, 300, seed=4)
    assert len({SPACE.canonical(architecture) for architecture in drawn}) == 300
    assert not any(SPACE.is_dead(architecture) for architecture in drawn)
    assert drawn == draw(SPACE, 300, seed=4) != draw(SPACE, 300, seed=5)
    assert draw(SPACE, 20, seed=4) == drawn[:20]


@pytest.mark.parametrize("enumerable", [True, False])
def test_draw_is_uniform_over_live_codes(enumerable: bool) -> None:
    drawn = Counter(draw(Pairs(enumerable), 1, seed)[0].code for seed in range(1600))
    # 200 each, standard deviation about 13.
    assert len(drawn) == 8
    assert min(drawn.values()) > 140
    assert max(drawn.values()) < 260


@pytest.mark.parametrize("enumerable", [True, False])
def test_asking_for_more_than_there_is_gives_what_exists(enumerable: bool) -> None:
    space = Pairs(enumerable)
    drawn = draw(space, 50, seed=1)
    assert sorted(space.canonical(architecture) for architecture in drawn) == ["01", "02", "11", "12", "22"]
    assert draw(space, 3, seed=1) == drawn[:3]
    assert draw(space, 0, seed=1) == []


def test_all_functions_of_the_space() -> None:
    drawn = draw(SPACE, 10**6, seed=0)
    live = {SPACE.canonical(a) for a in SPACE.enumerate() if not SPACE.is_dead(a)}
    assert {SPACE.canonical(architecture) for architecture in drawn} == live
    assert len(drawn) == len(live)


def test_best_first_then_random_ones() -> None:
    chosen = choose(line(40), keep=12, random_share=0.25, seed=0)
    assert [origin for _, origin, _ in chosen] == ["seed"] * 9 + ["random"] * 3
    assert codes(chosen[:9]) == list(range(39, 30, -1))
    assert set(codes(chosen[9:])) <= set(range(31))
    assert len(set(codes(chosen))) == 12
    assert [score is None for _, _, score in chosen] == [False] * 9 + [True] * 3


def test_scores_are_in_standard_deviations_of_the_draw() -> None:
    chosen = choose(line(40), keep=40, random_share=0.0, seed=0)
    scores = np.array([score for _, _, score in chosen], dtype=float)
    assert scores.mean() == pytest.approx(0)
    assert scores.std() == pytest.approx(1)
    assert (np.diff(scores) < 0).all()


@pytest.mark.parametrize(
    ("keep", "share", "by_chance"), [(12, 0.25, 3), (2, 0.25, 1), (1, 0.25, 0), (8, 0.0, 0), (8, 1.0, 8), (0, 0.5, 0)]
)
def test_share_of_random_ones(keep: int, share: float, by_chance: int) -> None:
    origins = [origin for _, origin, _ in choose(line(20), keep=keep, random_share=share, seed=0)]
    assert origins == ["seed"] * (keep - by_chance) + ["random"] * by_chance


def test_random_ones_are_uniform_over_the_rest() -> None:
    items = line(12)
    drawn = Counter(
        code for seed in range(600) for code in codes(choose(items, keep=4, random_share=0.5, seed=seed)[2:])
    )
    # 1200 draws over the ten that are not among the best two: 120 each, standard deviation about 10.
    assert set(drawn) == set(range(10))
    assert min(drawn.values()) > 75
    assert max(drawn.values()) < 165


def test_order_of_anything_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    rows = [{"a": float(a), "b": float(b), "c": None} for a, b in rng.integers(0, 5, (50, 2))]
    reference = choose(scored(rows), keep=20, random_share=0.3, seed=9)
    mixed = scored([dict(reversed(row.items())) for row in rows])
    random.Random(1).shuffle(mixed)
    assert choose(mixed, keep=20, random_share=0.3, seed=9) == reference
    assert choose(mixed, keep=20, random_share=0.3, seed=10) != reference


def test_agrees_with_the_aggregation_of_zerocost() -> None:
    rng = np.random.default_rng(2)
    rows: list[dict[str, float | None]] = [
        {"a": float(a), "b": None if a == 3 else float(b), "c": float("nan") if b == 1 else float(c)}
        for a, b, c in rng.integers(0, 6, (60, 3))
    ]
    directions = {"a": 1, "b": -1, "c": 1}
    expected = np.array(rank_mean(rows, directions))
    expected = (expected - expected.mean()) / expected.std()
    chosen = choose(scored(rows), keep=60, random_share=0.0, seed=0, directions=directions)
    assert [score for _, _, score in chosen] == pytest.approx(expected[codes(chosen)].tolist())


def test_ties_are_broken_by_lot() -> None:
    items = scored([{"a": 1.0}] * 30)
    first = codes(choose(items, keep=10, random_share=0.0, seed=0))
    assert first != codes(choose(items, keep=10, random_share=0.0, seed=1))
    assert {score for _, _, score in choose(items, keep=10, random_share=0.0, seed=0)} == {0.0}


@pytest.mark.parametrize("row", [{}, {"a": None}, {"a": None, "b": float("nan")}])
def test_without_any_value_all_are_random(row: dict[str, float | None]) -> None:
    chosen = choose(scored([row] * 9), keep=4, random_share=0.25, seed=0)
    assert [(origin, score) for _, origin, score in chosen] == [("random", None)] * 4


def test_a_missing_value_is_the_worst() -> None:
    items = scored([{"a": 5.0}, {"a": None}, {"a": -5.0}])
    assert codes(choose(items, keep=3, random_share=0.0, seed=0)) == [0, 2, 1]


def test_keeping_more_than_there_are_and_doubles() -> None:
    items = line(5)
    assert sorted(codes(choose([*items, *items], keep=99, random_share=0.4, seed=0))) == [0, 1, 2, 3, 4]
    twins = [Scored(Architecture("line", (i,)), "key", f"text{i}", {"a": 1.0}, 0.0) for i in (2, 1, 3)]
    assert codes(choose(twins, keep=3, random_share=0.0, seed=0)) == [1]
    assert choose([], keep=3, random_share=0.5, seed=0) == ()


@pytest.mark.parametrize(("keep", "share"), [(-1, 0.5), (3, -0.1), (3, 1.5), (3, float("nan"))])
def test_arguments_that_break_a_rule(keep: int, share: float) -> None:
    with pytest.raises(ConfigError, match="keep"):
        choose(line(5), keep=keep, random_share=share, seed=0)
    with pytest.raises(ConfigError, match="-2 architectures"):
        draw(SPACE, -2, seed=0)


COMBINED = {"rank_mean": rank_mean, "log_rank_product": log_rank_product, "vote": vote}


def rows_with_holes(n: int, seed: int) -> list[dict[str, float | None]]:
    """Few distinct values, so that there are ties, and some that are missing."""
    return [
        {"a": float(a), "b": None if a == 3 else float(b), "c": float("nan") if b == 1 else float(c)}
        for a, b, c in np.random.default_rng(seed).integers(0, 6, (n, 3))
    ]


@pytest.mark.parametrize("how", COMBINATIONS)
@pytest.mark.parametrize("weights", [None, {"a": 0.2, "b": 0.5, "c": 0.3}, {"b": 2.0}, {"a": 0.3, "b": 0.3, "c": 0.3}])
def test_every_combination_agrees_with_that_of_zerocost(how: Combine, weights: dict[str, float] | None) -> None:
    rows, directions = rows_with_holes(50, 3), {"a": 1, "b": -1, "c": 1}
    expected = np.array(COMBINED[how](rows, directions, weights))
    expected = (expected - expected.mean()) / expected.std()
    found = combined_scores(scored(rows), directions=directions, combine=how, weights=weights)
    assert found is not None
    assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-9)
    if weights is None:
        chosen = choose(scored(rows), keep=50, random_share=0.0, directions=directions, combine=how)
        assert [score for _, _, score in chosen] == pytest.approx(expected[codes(chosen)].tolist())


def test_combination_and_weights_change_the_order() -> None:
    items, directions = scored(rows_with_holes(50, 3)), {"b": -1}

    def order(how: Combine, weights: dict[str, float] | None = None) -> tuple[int, ...]:
        return tuple(np.argsort(combined_scores(items, directions=directions, combine=how, weights=weights)).tolist())

    orders = {order("rank_mean"), order("log_rank_product"), order("vote"), order("rank_mean", {"b": 2.0, "c": 1.0})}
    assert len(orders) == 4
    assert order("rank_mean", dict.fromkeys("abc", 0.3)) == order("rank_mean")


def test_combinations_by_hand() -> None:
    items = scored([{"a": 1.0, "b": 4.0}, {"a": 2.0, "b": 3.0}, {"a": 3.0, "b": 2.0}, {"a": 4.0, "b": 1.0}])
    assert combined_scores(items) == pytest.approx([0.0] * 4)
    # log(1/4) + log(4/4) at the ends, log(2/4) + log(3/4) between them: log 0.25 and log 0.375.
    assert combined_scores(items, combine="log_rank_product") == pytest.approx([-1.0, 1.0, 1.0, -1.0])
    # By a twice as heavy "a", everybody beats those before: 0, 1, 2 and 3 of three others.
    votes = np.array([0.0, 1.0, 2.0, 3.0])
    expected = ((votes - 1.5) / votes.std()).tolist()
    assert combined_scores(items, combine="vote", weights={"a": 2.0, "b": 1.0}) == pytest.approx(expected)
    assert combined_scores(items, weights={"b": 1.0}) == pytest.approx(expected[::-1])


def test_a_proxy_without_weight_says_nothing() -> None:
    items = scored([{"a": 1.0, "b": 9.0}, {"a": 2.0, "b": 1.0}, {"a": None, "b": 5.0}])
    assert np.argsort(-combined_scores(items, weights={"a": 0.1})).tolist() == [1, 0, 2]
    assert np.argsort(-combined_scores(items, weights={"b": 7.0, "a": 0.0})).tolist() == [0, 2, 1]
    for nothing in ({"a": 0.0, "b": 0.0}, {}, {"other": 1.0}):
        assert combined_scores(items, weights=nothing) is None
        assert LevelZero(items).leaders(nothing) == []


@pytest.mark.parametrize(
    "wrong",
    [{"weights": {"a": -1.0}}, {"weights": {"a": float("nan")}}, {"weights": {"a": float("inf")}}, {"combine": "sum"}],
)
def test_weights_and_combinations_that_break_a_rule(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="every weight 0 or more"):
        combined_scores(line(5), **wrong)
