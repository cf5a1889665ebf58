"""The size rule against sizes and prices worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.core.pyramid import Pyramid, auto_shares
from ranknosh.errors import ConfigError


@pytest.mark.parametrize(
    ("epochs", "ratio", "n", "sizes", "cost"),
    [
        # sizes are floor(n r^(i-1)); costs are sums of (e(i) - e(i-1)) * size, each by hand
        ((5, 10, 20, 50), 0.5, 100, (100, 50, 25, 12), 100 * 5 + 50 * 5 + 25 * 10 + 12 * 30),
        ((5, 10, 20, 50), 0.3, 100, (100, 30, 9, 2), 500 + 150 + 90 + 60),
        ((10, 25, 50, 200), 0.5, 100, (100, 50, 25, 12), 1000 + 750 + 625 + 1800),
        ((10, 25, 50, 200), 0.4, 100, (100, 40, 16, 6), 1000 + 600 + 400 + 900),
        ((10, 50, 200), 0.5, 100, (100, 50, 25), 1000 + 2000 + 3750),
        ((12, 200), 0.3, 100, (100, 30), 1200 + 5640),
        ((12, 200), 0.1, 100, (100, 10), 1200 + 1880),
        ((1, 3, 6, 12), 0.5, 100, (100, 50, 25, 12), 100 + 100 + 75 + 72),
        ((4, 12, 36, 108), 0.5, 100, (100, 50, 25, 12), 400 + 400 + 600 + 864),
        ((1, 2, 4, 8), 0.5, 42, (42, 21, 10, 5), 42 + 21 + 20 + 20),
        ((1, 5, 20), 0.5, 40, (40, 20, 10), 40 + 80 + 150),
    ],
)
def test_sizes_and_cost_by_hand(epochs, ratio, n, sizes, cost):
    pyramid = Pyramid.make(epochs, ratio)
    assert pyramid.sizes(n) == sizes
    assert pyramid.cost(n) == cost


def test_products_that_floats_miss_are_not_rounded_down():
    # 10 * 0.3 is 3.0000000000000004 or 2.9999999999999996 by the way it is multiplied; 0.1 ** 2 * 300 is 3.0000000000000004
    assert Pyramid.make((1, 2, 3), 0.3).sizes(100) == (100, 30, 9)
    assert Pyramid.make((1, 2, 3), [0.1, 0.7]).sizes(100) == (100, 10, 7)


def test_auto_ratio_spends_alike_at_every_level():
    assert auto_shares((12, 200)) == (12 / 188,)
    assert auto_shares((1, 3, 9, 27)) == (1 / 2, 1 / 3, 1 / 3)
    pyramid = Pyramid.make((2, 8, 26), "auto")  # steps 2, 6, 18
    spent = [step * size for step, size in zip(pyramid.steps, pyramid.sizes(90), strict=True)]
    assert spent == [180, 180, 180]


def test_auto_ratio_leaves_out_what_is_kept_for_the_end():
    # Of four levels those above the first have three quarters of all epochs; a third of these is kept.
    assert auto_shares((1, 3, 9, 27), closing=0.25) == pytest.approx((1 / 3, 2 / 9, 2 / 9))
    assert auto_shares((12, 200), closing=0.3) == pytest.approx((0.4 * 12 / 188,))
    assert Pyramid.make((12, 200), "auto", closing=0.3).shares == pytest.approx((0.4 * 12 / 188,))
    assert Pyramid.make((12, 200), 0.1, closing=0.3).shares == (0.1,)
    assert auto_shares((12, 200), closing=0.9) == pytest.approx((0.1 * 12 / 188,))
    assert auto_shares((5,), closing=0.9) == ()


def test_auto_ratio_never_promotes_everybody():
    assert auto_shares((1, 2, 3, 4)) == (0.5, 0.5, 0.5)


@given(
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    shares=st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4),
    n=st.integers(0, 400),
)
def test_sizes_never_grow_upwards_and_cost_is_their_sum(steps, shares, n):
    epochs = [sum(steps[: i + 1]) for i in range(len(steps))]
    pyramid = Pyramid.make(epochs, shares[: len(steps) - 1])
    sizes = pyramid.sizes(n)
    assert sizes[0] == n
    assert list(sizes) == sorted(sizes, reverse=True)
    assert pyramid.cost(n) == sum(a * b for a, b in zip(steps, sizes, strict=True))
    assert pyramid.cost(n) <= pyramid.cost(n + 1)


def test_batches_by_number():
    pyramid = Pyramid.make((1, 2), 0.5, initial=5, batch=3)
    assert [pyramid.batch_of(i) for i in range(12)] == [0] * 5 + [1] * 3 + [2] * 3 + [3]
    assert [pyramid.batch_end(b) for b in range(3)] == [5, 8, 11]


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": (1, 1, 2)},
        {"epochs": (0, 1)},
        {"epochs": ()},
        {"epochs": (4, 2)},
        {"epochs": (1, 2), "ratio": 1.5},
        {"epochs": (1, 2), "ratio": 0.0},
        {"epochs": (1, 2, 4), "ratio": [0.5]},
        {"epochs": (1, 2), "ratio": "half"},
        {"epochs": (1, 2), "initial": 0},
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"pyramid\."):
        Pyramid.make(**wrong)


@pytest.mark.parametrize("ratio", [1e-300, [1e-16, 1e-16]])
def test_ratios_that_nobody_could_satisfy_are_refused(ratio):
    with pytest.raises(ConfigError, match=r"pyramid\.ratio is \[.*\], so that one of 1e\+30 candidates"):
        Pyramid.make((1, 2, 4), ratio)
    assert Pyramid.make((1, 2), 1e-30).first_to_reach(2) > 10**29
