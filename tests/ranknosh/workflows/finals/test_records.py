"""ranknosh/workflows/finals/records.py: the fold, and the order of what has ended, worked out by hand."""

import pytest

from ranknosh.config.units import Quantity
from ranknosh.core.records import Session
from ranknosh.workflows.finals.records import FinalsState, FinalTrained, Picked, standings

ACCURACY, LOSS = Quantity("accuracy", True, "%"), Quantity("loss", False)


def trained(number, seed, accuracy, **facts):
    metrics = {} if accuracy is None else {"accuracy": accuracy, "loss": 1 - accuracy}
    return FinalTrained(number, seed, 3, metrics, **facts)


def by_pair(*records):
    return {(one.number, one.seed): one for one in records}


def test_the_mean_decides_between_architectures_and_the_best_training_within_one():
    # Means: 0.70 (0.50 and 0.90), 0.75 (0.74 and 0.76).
    known = by_pair(trained(1, 0, 0.5), trained(2, 0, 0.74), trained(1, 1, 0.9), trained(2, 1, 0.76))
    first, second = standings(known, 2, ACCURACY)
    assert (first.number, second.number) == (2, 1)
    assert first.metrics == pytest.approx({"accuracy": 0.75, "loss": 0.25})
    assert first.error == pytest.approx(0.01)  # deviations of 0.01 to both sides: sqrt(2e-4) / sqrt(2)
    assert (first.best.seed, second.best.seed) == (1, 1)


def test_a_metric_of_which_less_is_better_is_ordered_the_other_way():
    known = by_pair(trained(1, 0, 0.2), trained(2, 0, 0.3), trained(1, 1, 0.6), trained(2, 1, 0.3))
    first, second = standings(known, 2, LOSS)
    assert [first.number, second.number] == [1, 2]  # mean losses 0.6 and 0.7
    assert first.best.seed == 1


def test_only_seeds_that_all_have_ended_with_are_compared():
    # The second one's lucky seed 1 has no counterpart: seed 0 alone decides.
    known = by_pair(trained(1, 0, 0.6), trained(2, 0, 0.5), trained(2, 1, 0.99))
    first, second = standings(known, 2, ACCURACY)
    assert (first.number, len(second.judged), len(second.trained)) == (1, 1, 2)
    # Where no seed is shared, what has ended counts; an architecture without any comes last.
    alone = standings(by_pair(trained(2, 0, 0.5)), 2, ACCURACY)
    assert [one.number for one in alone] == [2, 1]
    assert alone[1].judged == []


def test_failures_put_an_architecture_behind():
    known = by_pair(trained(1, 0, 0.9), trained(2, 0, 0.5), trained(1, 1, None, failed="diverged"), trained(2, 1, 0.5))
    first, second = standings(known, 2, ACCURACY)
    assert (first.number, first.failed, second.failed) == (2, 0, 1)
    assert second.metrics["accuracy"] == 0.9


def test_equal_ones_keep_the_order_of_the_search_and_seeds():
    known = by_pair(*(trained(number, seed, 0.5) for number in (1, 2) for seed in (0, 1)))
    first, _ = standings(known, 2, ACCURACY)
    assert (first.number, first.best.seed) == (1, 0)


def test_a_session_that_works_takes_the_pick_back_and_readings_are_counted():
    state, session = FinalsState(), Session(1, 2, "cpu", "command")
    for record in (session, trained(1, 0, 0.5), Picked(1, 0, {"accuracy": 0.4}, 0.1, "time")):
        state.apply(record)
    assert (state.picked.test, state.readings) == ({"accuracy": 0.4}, 1)
    state.apply(session)
    assert (state.picked, state.readings, len(state.trained)) == (None, 1, 1)
    with pytest.raises(ValueError, match="architecture 1 was trained twice with seed 0"):
        state.apply(trained(1, 0, 0.7))
    with pytest.raises(ValueError, match="architecture 1 was picked with seed 1 and not trained with it"):
        state.apply(Picked(1, 1, {}, 0.1, "trained"))
