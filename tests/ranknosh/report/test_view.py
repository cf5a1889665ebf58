from contextlib import nullcontext
from dataclasses import replace

import pytest

from ranknosh.cli.search import status_text
from ranknosh.core.records import Session, Stopped, Tested
from ranknosh.errors import StoreError
from ranknosh.report.tables import status_dict
from ranknosh.report.view import expected_end
from ranknosh.runs.folder import locked
from ranknosh.workflows.search.run import SearchRun


def test_the_leaderboard_agrees_with_the_incumbent_and_puts_retrained_then_higher_ones_first(view):
    order = [candidate.id for candidate in view.leaderboard()]
    assert order == [0, 2, 1]  # 0: mean of 0.8 and 0.7, level 3; 2: level 2; 1: level 1; 3 failed and has no result
    assert view.leaderboard()[0] is view.pool.best()
    assert view.leaderboard()[0].metrics["accuracy"] == pytest.approx(0.75)


def test_the_front_comes_before_better_ones_of_the_ranking_metric(fronted):
    assert [candidate.id for candidate in fronted(objectives=[]).leaderboard()] == [1, 2, 0]
    assert [candidate.id for candidate in fronted().leaderboard()] == [1, 0, 2]
    view = fronted()
    assert [candidate.id for candidate in view.front()] == [1, 0]
    # Better than 1 was at level 1 and trained no further: in the front, after the one that is known better.
    view.pool.candidates[2].observations[1] = replace(view.pool.candidates[2].observations[1], metric=0.5)
    assert [candidate.id for candidate in view.front()] == [1, 2, 0]


def test_levels_plan_and_limits(view):
    assert [view.reached(level) for level in view.levels] == [3, 2, 1]
    plan = view.plan()
    assert (plan.candidates, plan.by_epochs) == (
        4,
        False,
    )  # sizes 4, 2, 1 cost 4 + 2 + 2 = 8, finalist 4, in all 12 <= 20
    assert view.settings.budget.epochs == 20
    assert view.seconds == 15.0


def test_a_budget_that_holds_fewer_candidates_is_what_was_planned(build, by_hand):
    view = build.view(by_hand, budget={"epochs": 11})
    assert view.plan().by_epochs
    assert view.plan().candidates == 3


@pytest.mark.parametrize(
    ("end", "running", "phase"),
    [
        (Stopped("epochs"), False, "finished"),
        (Stopped("wall_time"), False, "stopped"),
        (None, False, "interrupted"),
        (None, True, "running"),
        (Session(2, 2, "cpu", "ranknosh resume x"), False, "interrupted"),
    ],
)
def test_phases(tmp_path, build, by_hand, end, running, phase):
    timed = by_hand if isinstance(end, Session) else by_hand[:-1]
    view = build.view([*timed, *([(16.0, end)] if end else [])], folder=tmp_path)
    with locked(tmp_path) if running else nullcontext():
        assert view.phase == phase


def test_a_test_reading_of_an_earlier_state_does_not_count(build, by_hand):
    assert build.view(by_hand).tested().metrics["accuracy"] == 0.65
    stale = [
        (t, Tested(0, {"accuracy": 0.5, "loss": 0.9}, 0.1, epochs=2) if isinstance(r, Tested) else r)
        for t, r in by_hand
    ]
    assert build.view(stale).tested() is None


def test_limits_raised_by_a_later_session_are_in_force(build, by_hand):
    later = Session(2, 2, "cpu", "ranknosh resume x --set budget.epochs=50", changes={"budget.epochs": 50})
    assert build.view([*by_hand, (16.0, later)]).settings.budget.epochs == 50


def test_loading_sees_the_lock_and_changes_nothing(tmp_path, build):
    folder = build.run(tmp_path / "run", cut=30)
    journal = folder / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"n": 31, "type": "obser')
    before = journal.read_bytes()
    assert SearchRun.read(folder).phase == "interrupted"
    with locked(folder):
        assert SearchRun.read(folder).phase == "running"
    assert SearchRun.read(folder).phase == "interrupted"
    assert journal.read_bytes() == before


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no run"):
        SearchRun.read(tmp_path)


def settings_of(build, *changes, candidates=40):
    view = build.view([])
    return view.settings.replace([f"pyramid.candidates={candidates}", "budget.epochs=null", *changes])


def test_the_end_that_is_expected_is_that_of_the_plan_or_of_a_limit(build, view):
    pool = view.pool  # 12 epochs took as many seconds
    pace = pool.training_seconds / pool.epochs_spent
    planned = view.pyramid.cost(40)
    alone = settings_of(build, "pyramid.finalists=0")
    assert expected_end(alone, pool, 15.0, 20) == (planned, pytest.approx(pace * (planned - 20)))
    assert expected_end(settings_of(build, "pyramid.finalists=3"), pool, 15.0, 20)[0] == planned + 3 * 4
    assert expected_end(settings_of(build, "budget.epochs=30"), pool, 15.0, 20) == (30, pytest.approx(pace * 10))
    assert expected_end(settings_of(build, "budget.epochs=30"), pool, 15.0, 31) == (30, 0)
    assert expected_end(settings_of(build, "budget.epochs=30", "budget.time=16s"), pool, 15.0, 20) == (30, 1.0)
    assert expected_end(settings_of(build, "budget.time=20s", candidates="null"), pool, 15.0, 20) == (None, 5.0)


def test_before_the_first_result_only_a_search_that_time_alone_ends_has_a_time_left(build):
    pool = build.view([]).pool
    assert expected_end(settings_of(build, "budget.epochs=30", "budget.time=2h"), pool, 15.0, 0) == (30, None)
    assert expected_end(settings_of(build, "budget.time=20s", candidates="null"), pool, 15.0, 0) == (None, 5.0)


def test_status_of_a_search_that_runs_has_the_time_left(build, by_hand, tmp_path):
    (tmp_path / "run").mkdir()
    view = build.view(by_hand[:-1], tmp_path / "run", pyramid={"epochs": [1, 2, 4], "candidates": 40})
    assert status_dict(view)["seconds_left"] is None
    with locked(tmp_path / "run"):
        now = status_dict(view)
    assert now["seconds_left"] > 1
    shown = status_text(now, view.folder, view.quantities, view.settings.budget).splitlines()
    assert [line.split()[:2] for line in shown if line.startswith("left")] == [["left", "about"]]
