"""Expected seconds by hand, and budgets that hold nothing."""

import pytest

from ranknosh.errors import BudgetTooSmall
from ranknosh.workflows.compare.prices import Prices, check_budget, expected_seconds, measure


def test_nothing_known_costs_nothing():
    assert expected_seconds(100, []) == 0


def test_two_sizes_give_their_mean():
    assert expected_seconds(1000, [(100, 2.0), (200, 4.0)]) == 3.0


@pytest.mark.parametrize(("macs", "seconds"), [(250, 6.0), (300, 7.0), (0, 1.5)])
def test_three_sizes_give_a_line_that_is_not_followed_below_half_the_fastest(macs, seconds):
    known = [(100, 3.0), (150, 4.0), (200, 5.0)]  # 1 + 0.02 macs
    assert expected_seconds(macs, known) == pytest.approx(max(seconds, 1.5))


def test_sizes_that_do_not_show_in_the_times_give_the_mean():
    assert expected_seconds(400, [(100, 5.0), (200, 4.0), (300, 3.0)]) == 4.0


@pytest.mark.parametrize(
    ("names", "seconds", "word"),
    [
        (["random"], 1.9, "one training of 2 epochs"),
        (["random"], 2.1, None),
        (["ranknosh"], 12.9, "train-free scores of 6"),
        (["ranknosh"], 13.1, None),
        (["random"], 12.9, None),
    ],
)
def test_a_budget_has_to_hold_a_training_and_level_zero(config, names, seconds, word):
    prices = Prices(epoch_seconds=1.0, proxy_seconds=2.0)  # 2 epochs are 2 s; 6 scores and 1 epoch are 13 s
    if word is None:
        check_budget(prices, config, names, seconds)
    else:
        with pytest.raises(BudgetTooSmall, match=word):
            check_budget(prices, config, names, seconds)


def test_prices_are_measured_and_leave_no_files(problem, config, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    prices = measure(problem, config)
    assert 0 < prices.epoch_seconds < 60
    assert 0 < prices.proxy_seconds < 60
    assert measure(problem, config.replace(["seeding.proxies=[]"])).proxy_seconds == 0
    assert not list(tmp_path.iterdir())
