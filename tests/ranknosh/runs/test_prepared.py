"""ranknosh/runs/prepared.py"""

from types import SimpleNamespace

import pytest

from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.prepared import Prepared, check_same

BEGAN = SimpleNamespace(data={"fingerprint": "a" * 40}, facts={"space": "cells", "examples": 3})
THERE = {"name": "mine", "fingerprint": "a" * 40}


def test_the_same_data_and_facts_pass_and_other_facts_may_differ():
    check_same(BEGAN, Prepared("x", None, THERE, {"space": "cells", "examples": 4}, ("space",)))


@pytest.mark.parametrize(
    ("changes", "back"),
    [
        ((), r"bring the old data back \(from another place with --set data.folder=PATH\)"),
        (("data.folder", "seed"), r"bring the old data back \(from another place with --set data.folder=PATH\)"),
        (("data.folder", "data.limit"), "take back the change of data.limit"),
    ],
)
def test_other_data_are_refused_with_what_brings_the_old_ones_back(changes, back):
    prepared = Prepared("x", None, {"name": "mine", "fingerprint": "b" * 40})
    with pytest.raises(DataError, match=f"mine has the fingerprint b{{12}} instead of a{{12}}; {back}, or start"):
        check_same(BEGAN, prepared, changes)


def test_a_fact_that_has_to_agree_is_refused_where_it_differs():
    with pytest.raises(ConfigError, match="space was 'cells' when this run started and is 'chain' now"):
        check_same(BEGAN, Prepared("x", None, THERE, {"space": "chain"}, ("space",)))
