"""The plan against arithmetic by hand."""

import pytest

from ranknosh.config.search import SearchSettings
from ranknosh.training.timing import Timed, Timing
from ranknosh.workflows.search.planning import cost_of, judge

TIMING = Timing(timed=(Timed(10, 1.0, 0.25, 1000, 0.5), Timed(30, 3.0, 0.75, 3000, 0.1)), seconds=(1.0, 2.0, 2.0, 3.0))


def config(**sections):
    base = {
        "pyramid": {"epochs": [1, 2, 4], "ratio": 0.5, "candidates": 9, "initial": 4, "batch": 5},
        "seeding": {"draw": 10},
    }
    return SearchSettings.from_dict({**base, **sections})


def test_cost_is_the_closed_form_plus_what_was_timed():
    cost = cost_of(config(), TIMING, 9)
    assert cost.levels == (9, 4, 2)
    assert cost.epochs == 9 * 1 + 4 * 1 + 2 * 2
    assert cost.closing == 0
    fixed = 10 * 0.3 + (9 + 4 + 2) * 0.5  # proxies, then building and saving in every job
    assert cost.seconds == pytest.approx((fixed + 17 * 2.0, fixed + 17 * 2.5, fixed + 17 * 3.0))
    assert cost.disk == 9 * 3000


def test_cost_counts_finishing_the_best_where_the_pyramid_does_not_reach_the_top():
    cost = cost_of(config(), TIMING, 3)
    assert cost.levels == (3, 1, 0)
    assert (cost.epochs, cost.closing) == (4, 2)
    pyramid = {"epochs": [1, 2, 4], "ratio": 0.5, "candidates": 9, "initial": 4, "finalists": 2}
    again = cost_of(config(pyramid=pyramid), TIMING, 9)
    assert again.closing == 8


def test_a_budget_that_holds_the_plan_has_no_problems():
    cost, problems = judge(config(budget={"epochs": 17, "time": "1m", "disk": "30KB"}), TIMING, 0.0)
    assert cost.candidates == 9
    assert problems == []


@pytest.mark.parametrize(
    ("budget", "remedy"),
    [
        ({"epochs": 16}, "budget.epochs=17"),
        ({"time": "50s"}, "budget.time=54s"),
        ({"device_time": "50s"}, "budget.device_time=54s"),
        ({"disk": "29KB"}, "budget.disk=1MB"),
    ],
)
def test_a_budget_that_does_not_hold_the_plan_names_one_that_does(budget, remedy):
    _, problems = judge(config(budget=budget), TIMING, 0.0)
    assert len(problems) == 1
    assert remedy in problems[0]
    key, _, value = remedy.removeprefix("budget.").partition("=")
    enough = {**budget, key: int(value) if value.isdigit() else value}
    assert judge(config(budget=enough), TIMING, 0.0)[1] == []


def test_where_only_time_ends_the_search_the_plan_is_the_largest_that_fits():
    wanted = config(pyramid={"epochs": [1, 2, 4], "ratio": 0.5}, seeding={"draw": 12}, budget={"time": "5m"})
    cost, problems = judge(wanted, TIMING, 0.0)
    assert problems == []
    assert cost.seconds[1] <= 300 < cost_of(wanted, TIMING, cost.candidates + 1).seconds[1]


@pytest.mark.parametrize(("budget", "draw"), [("22s", 38), ("17s", 21)])
def test_a_time_that_does_not_hold_one_training_to_the_top_says_which_draw_it_holds(budget, draw):
    """One candidate: 4 epochs of 2.5 s, one job of 0.5 s, and 40 scores of 0.3 s, which is 22.5 s."""
    pyramid = {"epochs": [1, 2, 4], "ratio": 0.5, "initial": 4}
    short = config(pyramid=pyramid, seeding={"draw": 40}, budget={"time": budget})
    cost, problems = judge(short, TIMING, 0.0)
    assert (cost.candidates, cost.seconds[1]) == (1, pytest.approx(22.5))
    assert f"lower seeding.draw to {draw} (now 40)" in problems[0]
    for fits, value in ((True, draw), (False, draw + 2)):
        again = config(pyramid=pyramid, seeding={"draw": value}, budget={"time": budget})
        assert (judge(again, TIMING, 0.0)[1] == []) == fits


def test_a_time_below_the_training_itself_asks_for_more_time_only():
    short = config(pyramid={"epochs": [1, 2, 4], "ratio": 0.5, "initial": 4}, budget={"time": "9s"})
    (problem,) = judge(short, TIMING, 0.0)[1]
    assert "set budget.time=14s" in problem
    assert "draw" not in problem
    assert judge(config(pyramid={"epochs": [1, 2, 4], "initial": 4}, budget={"time": "14s"}), TIMING, 0.0)[1] == []
