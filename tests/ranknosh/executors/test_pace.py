"""Who is late and who hangs, by hand."""

import pytest

from ranknosh.core.records import Job
from ranknosh.executors.pace import ENOUGH, Pace, Patience
from ranknosh.spaces.base import Architecture


def job(epochs, candidate=10_000):
    return Job(candidate, Architecture("toy", (0,)), 1, 0, epochs, 0)


def paced(*seconds):
    pace = Pace()
    for candidate, each in enumerate(seconds):
        pace.note(job(2, candidate), 2 * each)
    return pace


def test_nothing_is_expected_before_enough_jobs_ended():
    assert paced(*[1.0] * (ENOUGH - 1)).expected(job(3)) is None
    assert paced(*[1.0] * ENOUGH).expected(job(3)) == 3.0


def test_the_pace_is_a_high_quantile_of_seconds_an_epoch():
    assert paced(*range(1, 9)).expected(job(1)) == 7.0
    assert paced(*[1.0] * 16, *[8.0] * 4).expected(job(4)) == 4.0  # a fifth of stragglers moves nothing


def test_a_candidate_that_has_trained_is_expected_to_go_on_at_its_own_pace():
    pace = paced(*[1.0] * 9, 7.0)
    assert pace.expected(job(2, candidate=9)) == 14.0
    pace.note(job(1, candidate=9), 70.0)  # it straggled once
    assert pace.expected(job(2, candidate=9)) == 14.0


def test_only_the_latest_jobs_count():
    assert paced(*[9.0] * 300, *[1.0] * 200).expected(job(1)) == 1.0


@pytest.mark.parametrize(
    ("deadline", "running", "expected", "hung"),
    [
        ("auto", 59.0, 1.0, False),  # never before a minute
        ("auto", 61.0, 1.0, True),
        ("auto", 199.0, 20.0, False),
        ("auto", 201.0, 20.0, True),
        ("auto", 1e9, None, False),
        (5.0, 5.1, None, True),
        (5.0, 4.9, 0.1, False),
        (None, 1e9, 1.0, False),
    ],
)
def test_deadlines(deadline, running, expected, hung):
    assert Patience(deadline).is_hung(running, expected) is hung


@pytest.mark.parametrize(
    ("speculate", "running", "expected", "late"),
    [
        (3.0, 31.0, 10.0, True),
        (3.0, 29.0, 10.0, False),
        (0.0, 1e9, 10.0, False),
        (3.0, 1.9, 0.1, False),
        (3.0, 9, None, False),
    ],
)
def test_stragglers(speculate, running, expected, late):
    assert (running > Patience(speculate=speculate).late_after(expected)) is late
