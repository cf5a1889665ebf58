"""Level 0 on a table: the same cells, chosen by different things."""

import numpy as np
import pytest
from scipy.stats import rankdata

from ranknosh.bench.baselines import starting_rows
from ranknosh.bench.engine import Seeding, run_engine
from ranknosh.bench.scores import TableScores
from ranknosh.data.table import Table
from ranknosh.errors import DataError


def first_rows(table: Table, seed: int) -> list[int]:
    """The rows that are drawn: of the first 100 those alive, one of each function."""
    kept: dict[str, int] = {}
    for row in starting_rows(table, seed)[:100].tolist():
        cell = table.architectures[row]
        key = table.space.canonical(cell)
        if not table.space.is_dead(cell) and (
            key not in kept or table.space.format(cell) < table.space.format(table.architectures[kept[key]])
        ):
            kept[key] = row
    return list(kept.values())


def rows_of(table: Table, seeding: Seeding, seed: int = 4, keep: int = 20) -> list[int]:
    return [table.row(architecture) for architecture, _, _ in seeding.chosen(table, seed, keep)]


def test_all_ways_choose_from_the_same_cells(whole: Table, scores: TableScores) -> None:
    drawn = first_rows(whole, 4)
    ways = [rows_of(whole, Seeding(by)) for by in ("largest", "random", scores)]  # type: ignore[arg-type]
    assert all(set(way) <= set(drawn) and len(way) == 20 for way in ways)
    assert len({frozenset(way) for way in ways}) == 3
    assert {origin for _, origin, _ in Seeding("random").chosen(whole, 4, 20)} == {"random"}


def test_the_largest_and_the_best_by_scores(whole: Table, scores: TableScores) -> None:
    drawn = first_rows(whole, 4)
    assert whole.params is not None
    sizes = sorted((int(whole.params[row]) for row in drawn), reverse=True)
    assert [int(whole.params[row]) for row in rows_of(whole, Seeding())] == sizes[:20]
    together = rankdata(scores.values["synflow"][drawn]) + rankdata(scores.values["snip"][drawn])
    best = [drawn[index] for index in np.argsort(-together)[:8]]
    assert set(rows_of(whole, Seeding(scores), keep=8)) >= set(best[:6])
    assert rows_of(whole, Seeding(scores), keep=1)[0] in best[:2]


def test_directions_combination_and_share_are_those_asked_for(whole: Table, scores: TableScores) -> None:
    one = TableScores({"x": scores.values["synflow"]}, {"x": 1})
    turned = TableScores({"x": -scores.values["synflow"]}, {"x": -1})
    assert rows_of(whole, Seeding(one)) == rows_of(whole, Seeding(turned))
    upside_down = TableScores(turned.values, {"x": 1})
    assert not set(rows_of(whole, Seeding(one))) & set(rows_of(whole, Seeding(upside_down)))
    assert rows_of(whole, Seeding(scores, combine="log_rank_product")) != rows_of(whole, Seeding(scores))
    origins = [origin for _, origin, _ in Seeding(scores, random_share=0.25).chosen(whole, 4, 20)]
    assert origins.count("random") == 5


def test_more_can_be_drawn(whole: Table, scores: TableScores) -> None:
    few, many = (Seeding(scores, drawn=drawn) for drawn in (30, 1000))
    drawn = {key.key for key in many.scored(whole, 4)}
    assert len(drawn) > 500
    assert {item.key for item in few.scored(whole, 4)} < drawn
    assert np.mean(scores.values["synflow"][rows_of(whole, many)]) > np.mean(
        scores.values["synflow"][rows_of(whole, few)]
    )


def test_values_and_parameters_that_are_not_there(whole: Table) -> None:
    nothing = TableScores({"x": np.full(len(whole), np.nan)}, {"x": 1})
    assert rows_of(whole, Seeding(nothing)) == rows_of(whole, Seeding("random"))
    bare = Table(whole.space, whole.architectures, whole.epochs, whole.values, whole.seconds)
    with pytest.raises(DataError, match="params_mb"):
        Seeding().chosen(bare, 0, 5)
    assert len(Seeding("random").chosen(bare, 0, 5)) == 5


def test_what_can_be_followed(whole: Table, scores: TableScores) -> None:
    assert Seeding(scores).level_zero(whole, 4) is None
    assert Seeding("random", follow=0.5).level_zero(whole, 4) is None
    guide = Seeding(scores, follow=0.5).level_zero(whole, 4)
    assert guide is not None
    leaders = [whole.row(architecture) for _, architecture in guide.leaders({"synflow": 1.0, "snip": 1.0})]
    assert leaders[:20] == rows_of(whole, Seeding(scores))
    largest = Seeding(follow=0.5).level_zero(whole, 4)
    assert largest is not None
    assert largest.directions == {"params": 1}


def test_good_scores_start_better(whole: Table, scores: TableScores) -> None:
    """After the first batch and the first promotion, where nothing but the seeds differs."""
    regret = {
        name: np.mean([run_engine(whole, 450, seed, seeding=seeding).regret[-1] for seed in range(8)])
        for name, seeding in (("random", Seeding("random")), ("scores", Seeding(scores)))
    }
    assert regret["scores"] < 0.8 * regret["random"]


def test_following_changes_a_search(whole: Table, scores: TableScores) -> None:
    def incumbents(follow: float) -> list[list[int]]:
        way = Seeding(scores, follow=follow)
        return [run_engine(whole, 2000, seed, predictor="random", seeding=way).rows.tolist() for seed in range(5)]

    assert incumbents(1.0) != incumbents(0.0)
