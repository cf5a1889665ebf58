"""How many candidates a budget holds, against trying every number."""

import pytest

from ranknosh.core.price import most_affordable, price
from ranknosh.core.pyramid import Pyramid
from ranknosh.streams import stream

DEMO = Pyramid.make([1, 2, 4, 8], 0.5, 8, 4)


def test_a_price_by_hand():
    """16 candidates reach the levels 16, 8, 4, 2: 16 + 8 + 2 * 4 + 4 * 2 = 40 epochs, of which 10 + 4 are asked for already."""
    assert price(DEMO, 16, (0, 0, 0, 0), 0) == 40
    assert price(DEMO, 16, (10, 4, 0, 0), 14) == 14 + 6 + 4 + 8 + 8
    assert price(DEMO, 16, (0, 0, 0, 0), 0, finalists=2) == 40 + 0 + 16


def test_the_best_of_a_small_search_has_its_way_to_the_top_priced():
    """Of 3 candidates one reaches level 2, at 2 epochs; 6 more bring it to 8."""
    assert price(DEMO, 3, (0, 0, 0, 0), 0, finalists=0) == 3 + 1 + 6


def test_the_price_falls_where_a_level_is_entered():
    """The seventh candidate costs an epoch; the eighth puts one into level 4, which saves the way of the best to it."""
    assert [price(DEMO, n, (0, 0, 0, 0), 0, finalists=0) for n in (7, 8)] == [16, 20]
    assert [price(DEMO, n, (0, 0, 0, 0), 0, finalists=0) for n in (1, 2)] == [8, 9]


@pytest.mark.parametrize("seed", range(150))
def test_halving_finds_what_trying_every_number_finds(seed):
    rng = stream(seed, "prices")
    levels = int(rng.integers(1, 6))
    epochs = sorted(rng.choice(30, levels, replace=False) + 1)
    shares = [float(share) for share in rng.uniform(0.05, 0.9, levels - 1)]
    pyramid = Pyramid.make([int(e) for e in epochs], shares, 5, 5)
    low = int(rng.integers(0, 40))
    high = low + int(rng.integers(0, 120))
    entered = [min(size + int(rng.integers(0, 2)), low) for size in pyramid.sizes(low)]
    committed, limit = int(rng.integers(0, 200)), int(rng.integers(0, 900))
    finalists = None if rng.random() < 0.3 else int(rng.integers(0, 3))
    fits = [n for n in range(low, high + 1) if price(pyramid, n, entered, committed, finalists) <= limit]
    assert most_affordable(pyramid, low, high, entered, committed, limit, finalists) == max(fits, default=None)
