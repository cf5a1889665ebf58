"""What fits on which machine, worked out by hand."""

import pytest

from ranknosh.executors.resources import Demand, Resources

BOX = {"CPU": 8.0, "GPU": 2.0, "memory": 32e9, "node:10.0.0.1": 1.0}


@pytest.mark.parametrize(
    ("need", "held"),
    [
        (Resources(), 8),
        (Resources(3), 2),
        (Resources(0.5, 0.25), 8),  # two GPUs of four jobs each; sixteen processors' halves
        (Resources(1, 1), 2),
        (Resources(1, 0.3), 6),  # by the sum: three on each GPU
        (Resources(1, 0, int(10e9)), 3),
        (Resources(16), 0),
        (Resources(1, 0.1), 8),  # a tenth is no exact fraction: 2 / 0.1 must not become 19
    ],
)
def test_jobs_of_a_machine(need, held):
    assert need.fits(BOX) == held


def test_a_job_that_needs_what_a_machine_lacks_does_not_fit():
    assert Resources(1, 1).fits({"CPU": 64.0}) == 0


def test_slots_are_counted_machine_by_machine():
    demand = Demand(Resources(3))
    assert demand.slots([{"CPU": 8.0}, {"CPU": 4.0}, {"CPU": 2.0}]) == 2 + 1 + 0


def test_a_level_may_take_more():
    demand = Demand(Resources(1, 0.25), {3: Resources(2, 1)})
    assert demand.of(1) == Resources(1, 0.25)
    assert [demand.weight(level) for level in (1, 3)] == [1, 4]


def test_a_level_that_takes_less_counts_as_a_whole_job():
    assert Demand(Resources(2), {1: Resources(1)}).weight(1) == 1


def test_needs_are_said_in_words():
    assert Resources(1, 0.25, int(2e9)).text() == "1 CPU and 0.25 GPU and 2 GB memory"


@pytest.mark.parametrize(("there", "need", "held"), [(0.3, 0.1, 3), (0.7, 0.1, 7), (1.0, 0.1, 10), (0.29, 0.1, 2)])
def test_fractions_are_counted_as_written(there, need, held):
    """In binary 0.3 / 0.1 is a little below 3."""
    assert Resources(1, need).fits({"CPU": 64.0, "GPU": there}) == held
