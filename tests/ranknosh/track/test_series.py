"""What is logged, against the points worked out by hand from the story in conftest.py."""

from dataclasses import replace

import pytest

from ranknosh.core.pyramid import Pyramid
from ranknosh.track.series import Series
from tests.ranknosh_simulation import simulate


@pytest.fixture
def points(story):
    series = Series()
    return [point for _, record in story.records for point in series.add(record, 0).points]


def of(points, tag, owner=None):
    return [(point.step, point.value) for point in points if (point.owner, point.tag) == (owner, tag)]


def test_the_search_over_the_epochs_it_has_spent(points):
    # epochs spent: 1 (candidate 0), 2 (1), 3 (2 diverged), 4 (1 paused), 7 (1 at level 2), 10 (1 again, seed 1)
    assert of(points, "budget/epochs_spent") == [(1, 1), (2, 2), (3, 3), (4, 4), (7, 7), (10, 10)]
    assert of(points, "budget/epochs_wasted") == [(1, 1), (4, 3)]
    assert of(points, "candidates/level_1") == [(1, 1), (2, 2)]
    assert of(points, "candidates/level_2") == [(7, 1)]
    assert of(points, "result_accuracy/level_1") == [(1, 0.25), (2, 0.5)]
    assert of(points, "result_metric/level_2") == [(7, 0.75)]
    assert of(points, "best/validation_accuracy") == [(1, 0.25), (2, 0.5), (7, 0.75), (10, (0.75 + 0.5) / 2)]
    assert of(points, "best/metric") == of(points, "best/validation_accuracy")
    assert of(points, "best/candidate") == [(1, 0), (2, 1), (7, 1), (10, 1)]
    assert of(points, "best/level") == [(1, 1), (2, 1), (7, 2), (10, 2)]
    assert of(points, "predictor/tau") == [(7, 0.25)]
    assert of(points, "predictor/members") == [(7, 2)]
    assert of(points, "test/accuracy") == [(10, 0.6)]
    assert of(points, "test/loss") == [(10, 0.4)]


def test_workers_failures_and_utilisation(points):
    assert of(points, "workers/slots") == [(0, 2), (1, 1), (4, 1)]
    assert of(points, "workers/utilisation") == [(1, 0.75), (4, 0.8)]
    assert of(points, "failures/lost") == [(1, 1)]
    assert of(points, "failures/diverged") == [(3, 1)]
    assert of(points, "failures/checkpoint_damaged") == [(4, 1)]


def test_curves_by_epoch_are_drawn_once_though_a_checkpoint_was_lost(points):
    assert of(points, "validation/accuracy", (1, 0)) == [(1, 0.5), (2, 0.625), (3, 0.75)]
    assert of(points, "validation/loss", (1, 0)) == [(1, 0.5), (2, 0.375), (3, 0.25)]
    assert of(points, "train/loss", (0, 0)) == [(1, 0.375)]
    assert of(points, "level", (1, 0)) == [(1, 1), (3, 2)]
    assert of(points, "metric", (1, 0)) == [(1, 0.5), (3, 0.75)]
    assert of(points, "validation/accuracy", (1, 1)) == [(1, 0.25), (2, 0.375), (3, 0.5)]
    assert of(points, "costs/params", (1, 1)) == [(3, 100)]
    assert {point.owner for point in points} == {None, (0, 0), (1, 0), (1, 1)}


def test_a_result_without_a_curve_is_a_point_at_its_last_epoch(story):
    series = Series()
    for _, record in story.records[:5]:
        series.add(record, 0)
    bare = replace(story.records[5][1], curve=())
    assert of(series.add(bare, 0).points, "validation/accuracy", (0, 0)) == [(1, 0.25)]


def test_the_leader_is_the_pools_leader_after_every_record_of_a_long_search():
    _, records = simulate(Pyramid.make((1, 2, 4), 0.5, 8, 4), candidates=60, finalists=2, workers=3, shuffle=1)
    series, compared = Series(), 0
    for record in records:
        found = of(series.add(record, 0).points, "best/metric")
        if found:
            compared += 1
            assert found[-1][1] == series.pool.best().metric
    assert compared > 60
