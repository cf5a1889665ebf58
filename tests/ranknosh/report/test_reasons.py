"""Why candidates are where they are, by hand and against pools that are folded anew for every decision."""

import pytest

from ranknosh.core.pool import Pool
from ranknosh.core.records import Promotion
from ranknosh.errors import ConfigError
from ranknosh.report.reasons import Passed, reasons
from ranknosh.report.search_page import render
from ranknosh.workflows.search.run import SearchRun


def test_every_state_has_its_reason(view):
    found = reasons(view, [0, 1, 2, 3])
    assert {number: reason.status for number, reason in found.items()} == {
        0: "top",
        1: "paused",
        2: "paused",
        3: "failed",
    }
    assert found[1].decisions == (Passed(1, 4, 6.0, 3, 3, (2, 0), "quota", 0.30, "validation"),)
    assert found[2].decisions[1] == Passed(2, 6, 8.0, 2, 2, (0,), "closing", 0.70, "validation")
    assert (found[1].place, found[1].resting) == (1, 1)
    assert found[1].text.splitlines() == [
        "Level 1, after 4 epochs of the search: no. 3 of 3 by accuracy (20.00 %); 2 were promoted: #2, #0. "
        "The last of them had 30.00 %.",
        "It is paused at level 1 of 3, no. 1 of 1 that rest there: the search ended (every planned candidate was searched).",
    ]
    assert "2 were promoted, this one among them." in found[0].text
    assert found[0].text.endswith("It completed every level: no. 1 of 1 at level 3.")
    assert found[3].text == "Given up at level 1: diverged, nan"
    assert "with what was left of the budget: #0" in found[2].text


def test_places_are_those_of_a_pool_folded_up_to_the_decision(engine_run):
    view = SearchRun.read(engine_run)
    records = view.history.records
    expected = {number: [] for number in view.pool.candidates}
    for at, record in enumerate(records):
        before = records[at - 1]
        if not isinstance(record, Promotion) or (isinstance(before, Promotion) and before.to_level == record.to_level):
            continue
        for place, one in enumerate(Pool(records[:at]).residents(record.to_level - 1), 1):
            expected[one.id].append((record.to_level - 1, place))
    found = reasons(view, list(expected))
    assert {n: [(one.level, one.place) for one in reason.decisions] for n, reason in found.items()} == expected
    assert sum(map(len, expected.values())) > 40
    assert all(reason.text for reason in found.values())


def test_with_several_objectives_places_are_by_fronts(fronted):
    found = reasons(fronted(), [0, 2])
    assert [(one.place, one.resting) for one in found[0].decisions] == [(2, 3)]
    assert [(one.place, one.resting) for one in found[2].decisions] == [(3, 3)]


def test_a_result_that_was_not_due_is_no_surprise(view, by_hand, build):
    early = [*by_hand[:12], by_hand[13]]  # 2 is ahead, and 0 alone is promoted
    text = reasons(build.view(early, pyramid={**view.settings.pyramid.model_dump(), "overlap": 2}), [2])[2].text
    assert "no. 1 of 3" in text
    assert "not due yet" in text


def test_a_candidate_that_is_not_there_is_refused(view):
    with pytest.raises(ConfigError, match="has no candidate 9; they are 0 to 3"):
        reasons(view, [9])


def test_the_leaderboard_unfolds_the_reason(view):
    assert "paused<details><summary>why</summary><pre>Level 1, after 4 epochs" in render(view)


def test_an_order_by_another_signal_is_said(by_hand, build):
    by_loss = [*by_hand[:12], (6.0, Promotion(0, 2, signal="train_loss"))]
    told = reasons(build.view(by_loss), [2])[2]
    assert told.decisions[0].signal == "train_loss"
    assert "no. 1 of 3 by accuracy (50.00 %); 1 was promoted: #0. The last of them had 30.00 %." in told.text
    assert " The order was by the training loss." in told.text
