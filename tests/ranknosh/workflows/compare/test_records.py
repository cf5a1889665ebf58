"""The records of a comparison survive their journal, and nothing is done twice."""

from pathlib import Path

import pytest

from ranknosh.runs.journal import FORMAT, Header, dump, parse
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.records import RECORDS, CompareState, Cost, Final, Searched, SearchOutcome, Trained

FOUND = SearchOutcome(Architecture("s", (1,)), Cost(other=2.0), 3.0, 4, "candidates", 5, "done", Path("random/seed-0"))
NOTHING = SearchOutcome(None, Cost(failed=2.0), 3.0, 0, "supernet", 0, "failed", Path("darts/seed-0"))
FINAL = Final(0.5, 0.25, 2, 1.5)
FAILED = Final(None, None, 2, 1.0, "diverged: in epoch 2")
HEADER = Header(FORMAT, "compare", "c-1", "", "", {}, {}, {}, {})


def test_what_was_written_is_read():
    records = [
        Searched("random", 0, FOUND),
        Searched("darts", 0, NOTHING),
        Trained("a", 0, FINAL),
        Trained("b", 1, FAILED),
    ]
    assert parse(dump(HEADER, records), lambda header: RECORDS).records == records


def test_they_add_up():
    state = CompareState.of([Searched("random", 0, FOUND), Trained("key", 0, FINAL)])
    assert state.searched == {("random", 0): FOUND}
    assert state.trained == {("key", 0): FINAL}


@pytest.mark.parametrize("record", [Searched("random", 0, FOUND), Trained("key", 0, FINAL)])
def test_nothing_is_done_twice(record):
    with pytest.raises(ValueError, match="twice"):
        CompareState.of([record, record])


def test_the_total_is_every_part():
    assert Cost(1, 2, 4, 8, 16, 32).total == 63


def test_time_that_no_part_explains_is_charged_as_other():
    cost = Cost(proxies=1, training=5, failed=2).within(10)
    assert (cost.other, cost.total) == (2, 10)


def test_parts_that_exceed_the_clock_are_charged_all_the_same():
    cost = Cost(training=12, other=3).within(10)
    assert (cost.other, cost.total) == (0, 12)
