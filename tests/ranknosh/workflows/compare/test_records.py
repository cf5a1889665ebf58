"""The records of a comparison survive their journal, and nothing is done twice."""

import pytest

from ranknosh.runs.journal import FORMAT, Header, dump, parse
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.records import RECORDS, CompareState, Cost, Searched, Trained

FOUND = Searched("random", 0, Architecture("s", (1,)), Cost(other=2.0), 3.0, 4, "candidates", 5, "done")
NOTHING = Searched("darts", 0, None, Cost(failed=2.0), 3.0, 0, "supernet", 0, "failed")
FINAL = Trained("a", 0, 2, 0.5, 0.25, 1.5, 10, 20)
FAILED = Trained("b", 1, 2, failed="diverged: in epoch 2")
HEADER = Header(FORMAT, "compare", "c-1", "", "", {}, {}, {}, {})


def test_what_was_written_is_read():
    records = [FOUND, NOTHING, FINAL, FAILED]
    assert parse(dump(HEADER, records), lambda header: RECORDS).records == records


def test_they_add_up():
    state = CompareState.of([FOUND, FINAL])
    assert state.searched == {("random", 0): FOUND}
    assert state.trained == {("a", 0): FINAL}


@pytest.mark.parametrize("record", [FOUND, FINAL])
def test_nothing_is_done_twice(record):
    with pytest.raises(ValueError, match="twice"):
        CompareState.of([record, record])


def test_the_total_is_every_part():
    assert Cost(1, 2, 4, 8, 16, 32).total == 63


def test_time_that_no_part_explains_is_charged_as_other():
    cost = Cost(proxies=1, training=5, failed=2).within(10)
    assert (cost.other, cost.total) == (2, 10)


def test_parts_that_exceed_the_clock_are_charged_all_the_same():
    cost = Cost(training=12).within(10)
    assert (cost.other, cost.total) == (0, 12)
