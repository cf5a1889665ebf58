"""ranknosh/report/words.py: numbers as reports write them."""

import pytest

from ranknosh.report.words import number, origin_name, percent


@pytest.mark.parametrize("write", [percent, number])
def test_what_is_unknown_is_said_to_be(write):
    assert write(None) == "n/a"


def test_numbers_are_rounded_for_reading():
    assert percent(0.8125) == "81.25\u00a0%"
    assert percent(0.8125, 0) == "81\u00a0%"
    assert (number(0.456), number(1, 0)) == ("0.46", "1")
    assert (origin_name("seed"), origin_name("random")) == ("proxy pick", "random")
