"""ranknosh/report/words.py: numbers as reports write them."""

import pytest

from ranknosh.report.words import counted, duration, integer, number, origin_name, percent, points


@pytest.mark.parametrize("write", [percent, points, number, integer, duration])
def test_what_is_unknown_is_said_to_be(write):
    assert write(None) == "n/a"


def test_numbers_are_rounded_for_reading():
    assert percent(0.8125) == "81.25\u00a0%"
    assert percent(0.8125, 0) == "81\u00a0%"
    assert (points(0.015), points(-0.2)) == ("+1.50 points", "-20.00 points")
    assert (number(0.456), number(1, 0)) == ("0.46", "1")
    assert integer(14210) == "14,210"
    assert (origin_name("seed"), origin_name("random")) == ("proxy pick", "random")
    assert duration(200) == "3 min 20 s"


def test_counts_have_their_word():
    assert (counted(1, "epoch"), counted(0, "epoch"), counted(3000, "epoch")) == ("1 epoch", "0 epochs", "3,000 epochs")
    assert counted(2, "proxy", "proxies") == "2 proxies"
