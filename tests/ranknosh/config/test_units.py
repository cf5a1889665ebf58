"""ranknosh/config/units.py: numbers as terminals and reports write them."""

import pytest

from ranknosh.config.units import human_count, human_duration, percent, plural, whole


@pytest.mark.parametrize("write", [percent, whole, human_duration, human_count])
def test_what_is_unknown_is_said_to_be(write):
    assert write(None) == "n/a"


def test_numbers_are_rounded_for_reading():
    assert whole(14210) == "14,210"
    assert (whole(14210.4), whole(10**18 + 1)) == ("14,210", "1,000,000,000,000,000,001")
    assert (human_duration(200), human_duration(8.44)) == ("3 min 20 s", "8.4 s")
    assert (human_count(14210), human_count(3.1e6)) == ("14.21 K", "3.10 M")


def test_counts_have_their_word():
    assert (plural(1, "epoch"), plural(0, "epoch"), plural(3000, "epoch")) == ("1 epoch", "0 epochs", "3,000 epochs")
    assert plural(2, "proxy", "proxies") == "2 proxies"
