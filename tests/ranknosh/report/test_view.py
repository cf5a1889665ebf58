from contextlib import nullcontext
from dataclasses import replace

import pytest

from ranknosh.core.records import Session, Stopped, Tested
from ranknosh.errors import StoreError
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
