"""What the records of a supernet search add up to."""

from dataclasses import replace

import pytest

from ranknosh.core.records import Session
from ranknosh.workflows.supernet.records import SupernetEpoch, SupernetPlan, SupernetState, finite
from supernet.report import EpochReport

PLAN = SupernetPlan(3, 3, "softmax", "trial", 10.0, 2.0, 0.5, 0.25, ((0, True, 1.0), (0, False, 2.0)))
REPORT = EpochReport(0, "search", 0.1, 2, 1.0, 0.5, None, {"normal": [[0.5, 0.5]]}, {"normal": [1]}, "x", 1)


def session(number, from_epoch):
    return Session(number, 2, "cpu", "test", details={"from_epoch": from_epoch})


def epoch(number, seconds):
    return SupernetEpoch.of(replace(REPORT, epoch=number, seconds=seconds), None)


BEGUN = [session(1, 0), PLAN, *(epoch(number, 1.0 + number) for number in range(3))]


def test_epochs_add_up():
    state = SupernetState.of(BEGUN)
    assert (state.plans, state.result, state.trial_seconds) == ([PLAN], None, 0.25)
    assert [each.epoch for each in state.epochs] == [0, 1, 2]
    assert (state.device_seconds, state.lost_seconds, state.retraced_seconds) == (6.0, 0.0, 0.0)
    assert state.latest is state.epochs[2]
    assert SupernetState.of([]).latest is None


def test_epochs_that_are_done_again_are_lost_time():
    state = SupernetState.of([*BEGUN, session(2, 1), epoch(1, 7.0)])
    assert [each.seconds for each in state.epochs] == [1.0, 7.0]
    assert (state.device_seconds, state.lost_seconds, state.retraced_seconds) == (8.0, 5.0, 0.0)


def test_epochs_that_a_method_goes_back_over_are_paid_for():
    """Adaptive regularisation: epochs 1 and 2 took 2 and 3 seconds and are trained again."""
    state = SupernetState.of([*BEGUN, epoch(1, 7.0)])
    assert [each.seconds for each in state.epochs] == [1.0, 7.0]
    assert (state.device_seconds, state.lost_seconds, state.retraced_seconds) == (13.0, 0.0, 5.0)


def test_an_epoch_whose_predecessors_are_not_known_is_refused():
    with pytest.raises(ValueError, match="epoch 5 follows 3 epochs"):
        SupernetState.of([*BEGUN, epoch(5, 1.0)])


def test_a_record_holds_its_report_and_what_a_table_knows():
    record = SupernetEpoch.of(REPORT, 0.5)
    assert record.to_dict() == {**REPORT.to_dict(), "truth": 0.5}


def test_numbers_that_json_has_not_become_none():
    assert SupernetEpoch.of(replace(REPORT, weights_loss=float("nan")), None).weights_loss is None
    given = {"a": [1.0, float("nan")], "b": {"c": float("inf")}, "d": "x"}
    assert finite(given) == {"a": [1.0, None], "b": {"c": None}, "d": "x"}
