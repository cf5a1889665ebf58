"""What is committed, by hand; how many candidates a budget holds, against trying every number."""

from functools import partial

import pytest

from ranknosh.core.budget import Ledger, Limits, Plan, _most_affordable, _price, plan
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Failed, Interrupted, Observed, Promotion, Proposed, Rerun
from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream

DEMO = Pyramid.make([1, 2, 4, 8], 0.5, 8, 4)


def test_a_price_by_hand():
    """16 candidates reach the levels 16, 8, 4, 2: 16 + 8 + 2 * 4 + 4 * 2 = 40 epochs, of which 10 + 4 are asked for already."""
    assert _price(DEMO, (0, 0, 0, 0), 0, None, 16) == 40
    assert _price(DEMO, (10, 4, 0, 0), 14, None, 16) == 14 + 6 + 4 + 8 + 8
    assert _price(DEMO, (0, 0, 0, 0), 0, 2, 16) == 40 + 0 + 16


def test_the_best_of_a_small_search_has_its_way_to_the_top_priced():
    """Of 3 candidates one reaches level 2, at 2 epochs; 6 more bring it to 8."""
    assert _price(DEMO, (0, 0, 0, 0), 0, 0, 3) == 3 + 1 + 6


def test_the_price_falls_where_a_level_is_entered():
    """The seventh candidate costs an epoch; the eighth puts one into level 4, which saves the way of the best to it."""
    assert [_price(DEMO, (0, 0, 0, 0), 0, 0, n) for n in (7, 8)] == [16, 20]
    assert [_price(DEMO, (0, 0, 0, 0), 0, 0, n) for n in (1, 2)] == [8, 9]


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
    price, numbers = partial(_price, pyramid, entered, committed, finalists), range(low, high + 1)
    assert _most_affordable(pyramid, numbers, price, limit) == max(
        (n for n in numbers if price(n) <= limit), default=None
    )


NEW = Proposed(0, Architecture("toy", (0,)), "k", "t", 0, "random")


def observed(level, epochs, candidate=0, replica=0):
    return Observed(candidate, level, 0.5, {"accuracy": 0.5, "loss": 1.0}, epochs, 0.1, replica=replica)


def test_what_is_unfinished_is_reserved_until_it_ends():
    pool = Pool()
    ledger = Ledger(pool, DEMO, 20)
    steps = [
        (NEW, 1, 19),
        (observed(1, 1), 1, 19),
        (Promotion(0, 2), 2, 18),
        (observed(2, 1), 2, 18),
        (Promotion(0, 3), 4, 16),
        (Interrupted(0, 3, 3, 1, 0.1), 4, 16),
        (Failed(0, 3, "crashed", "boom", 1, 0.1, final=False), 4, 16),  # wasted, not charged
        (observed(3, 1), 4, 16),
        (Promotion(0, 4), 8, 12),
        (observed(4, 4), 8, 12),
        (Rerun(0, 1), 16, 4),
        (Interrupted(0, 4, 3, 3, 0.1, replica=1), 16, 4),
        (Failed(0, 4, "diverged", "nan", 2, 0.1, replica=1), 13, 7),  # it failed early: three epochs come back
    ]
    for record, committed, left in steps:
        pool.apply(record)
        assert (ledger.committed, ledger.left) == (committed, left)
    assert (ledger.room(3), ledger.room(7), ledger.room(8)) == (2, 1, 0)
    assert Ledger(pool, DEMO).left is None
    assert Ledger(pool, DEMO).room(10**9) > 10**9


@pytest.mark.parametrize("rules", [Rules(), Rules(finalists=2), Rules(closing=0.3), Rules(candidates=20, finalists=1)])
@pytest.mark.parametrize("limit", [1, 7, 8, 9, 30, 40, 64, 100, 137])
def test_a_plan_is_the_largest_number_whose_price_fits(rules, limit):
    """The whole search with its finalists, else without the end, within what closing leaves (never less than one candidate)."""
    newcomers = max(limit - int(limit * rules.closing), 1)
    numbers = range(min(limit, rules.candidates or limit) + 1)

    def largest(finalists):
        return max((n for n in numbers if _price(DEMO, (0, 0, 0, 0), 0, finalists, n) <= newcomers), default=0)

    held = largest(rules.finalists) or largest(None)
    by_epochs = rules.candidates is None or held < rules.candidates
    assert plan(DEMO, Limits(epochs=limit), rules) == Plan(held, by_epochs)


def test_a_plan_counts_what_was_decided_and_committed():
    """One candidate has had 1 of 10 epochs; 7 more bring it to the top, so that 2 further ones fit."""
    for spent, candidates in ((1, 3), (2, 2), (10, 1)):
        assert plan(DEMO, Limits(epochs=10), Rules(), Pool([NEW, observed(1, spent)])) == Plan(candidates, True)


def test_a_plan_without_an_epoch_budget_is_what_the_user_said():
    assert plan(DEMO, Limits(wall_seconds=5), Rules()) == Plan(None, False)
    assert plan(DEMO, Limits(), Rules(candidates=5)) == Plan(5, False)


def test_a_search_without_an_end_or_below_one_candidate_has_no_plan():
    with pytest.raises(ConfigError, match="has no end"):
        plan(DEMO, Limits(), Rules())
    with pytest.raises(BudgetTooSmall, match=r"budget\.epochs is 2, .* for 3 epochs; the smallest .* is 3"):
        plan(Pyramid.make([3, 9], 0.5, 8, 4), Limits(epochs=2), Rules())


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"overlap": 0}, r"pyramid\.overlap is 0"),
        ({"overlap": 2, "schedule": "eager"}, r"pyramid\.overlap is 2 and pyramid\.schedule is eager"),
        ({"closing": 1.0}, r"pyramid\.closing is 1\.0"),
        ({"closing": -0.1}, r"pyramid\.closing is -0\.1"),
    ],
)
def test_rules_out_of_range_are_refused(values, match):
    with pytest.raises(ConfigError, match=match):
        Rules(**values)
