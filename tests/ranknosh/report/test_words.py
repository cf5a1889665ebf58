"""ranknosh/report/words.py: numbers as reports write them."""

import pytest

from ranknosh.report.words import number, origin_name, percent, signal_text


@pytest.mark.parametrize("write", [percent, number])
def test_what_is_unknown_is_said_to_be(write):
    assert write(None) == "n/a"


def test_numbers_are_rounded_for_reading():
    assert percent(0.8125) == "81.25\u00a0%"
    assert percent(0.8125, 0) == "81\u00a0%"
    assert (number(0.456), number(1, 0)) == ("0.46", "1")
    assert (origin_name("seed"), origin_name("random")) == ("proxy pick", "random")


def test_a_signal_is_told_with_its_record_and_that_of_the_plain_one():
    taus = {"validation": 0.412, "train_loss": 0.62}
    assert signal_text("train_loss", 1, 24, taus) == (
        "level 1 by the training loss, tau 0.62 with level 2 over 24 candidates (the validation metric 0.41)"
    )
    assert signal_text("validation", 1, 24, taus).endswith("tau 0.41 with level 2 over 24 candidates")
    assert signal_text("mean", 3, 1, {}) == "level 3 by the mean of three epochs"
