"""What a search cost and found, as numbers and as a journal line."""

import json
from pathlib import Path

import pytest

from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.method import Cost, SearchOutcome

OUTCOME = SearchOutcome(
    Architecture("nasbench201", (1, 2, 3, 4, 0, 1)),
    Cost(supernet=5.0, other=1.0),
    7.5,
    9,
    "supernet",
    0,
    "done",
    Path("a/b"),
)


def test_the_total_is_every_part():
    assert Cost(1, 2, 4, 8, 16, 32).total == 63


def test_time_that_no_part_explains_is_charged_as_other():
    cost = Cost(proxies=1, training=5, failed=2).within(10)
    assert (cost.other, cost.total) == (2, 10)


def test_parts_that_exceed_the_clock_are_charged_all_the_same():
    cost = Cost(training=12, other=3).within(10)
    assert (cost.other, cost.total) == (0, 12)


@pytest.mark.parametrize("found", [OUTCOME.architecture, None])
def test_an_outcome_survives_its_journal_line(found):
    outcome = SearchOutcome(**{**vars(OUTCOME), "architecture": found})
    assert SearchOutcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.parametrize("change", [{"cost": {"petrol": 1}}, {"architecture": {"space": "x"}}, {"epochs": ...}])
def test_a_malformed_line_is_told_from_an_outcome(change):
    row = {key: value for key, value in {**OUTCOME.to_json(), **change}.items() if value is not ...}
    with pytest.raises(StoreError, match="outcome"):
        SearchOutcome.from_json(row)
