"""What messages of the pair for Ray Tune advise is done, and the search can be made then."""

import re

import pytest

pytest.importorskip("ray")

from ray import tune

from ranknosh.errors import RankNoshError
from ranknosh.tune import NOSHScheduler, RankSearcher, flat_space
from tests.ranknosh.tune import tune_trainables as own

DOMAINS = {"x": tune.uniform(0, 1), "kind": tune.choice(["a", "b", "c"])}
PLAN = {"metric": "score", "mode": "max", "levels": own.LEVELS, "candidates": 12, "initial": 6, "batch": 3}


def searcher(space=DOMAINS, **settings):
    """With a first trial asked for, by which everything of it is made."""
    found = RankSearcher(space, **{**PLAN, **settings})
    NOSHScheduler(found)
    return found.suggest("first")


def unscheduled(scheduler=None):
    found = RankSearcher(DOMAINS, **PLAN)
    if scheduler:
        scheduler(found)
    return found.suggest("first")


TABLE = [
    ("no end", lambda: searcher(candidates=None), r"give (candidates),", lambda found: searcher(**{found[1]: 5})),
    (
        "a value of another kind",
        lambda: searcher(overlap="two"),
        r"overlap is 'two'; it must be (a whole number)",
        lambda found: searcher(overlap=2),
    ),
    (
        "grid search",
        lambda: searcher({**DOMAINS, "width": tune.grid_search([1, 2])}),
        r"takes tune\.(choice) of the same values",
        lambda found: searcher({**DOMAINS, "width": getattr(tune, found[1])([1, 2])}),
    ),
    (
        "a domain without values",
        lambda: flat_space({"x": tune.sample_from(lambda: 1)}),
        r"use tune\.(\w+), tune\.uniform",
        lambda found: flat_space({"x": getattr(tune, found[1])([1, 2])}),
    ),
    (
        "no scheduler of ours",
        unscheduled,
        r"set scheduler=(\w+)\(searcher\)",
        lambda found: unscheduled({"NOSHScheduler": NOSHScheduler}[found[1]]),
    ),
    (
        "no metric",
        lambda: searcher(metric=None),
        r"lacks (metric):",
        lambda found: searcher(**{found[1]: "score"}),
    ),
]


@pytest.mark.parametrize(("trouble", "told", "follow"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_following_it_ends_the_trouble(trouble, told, follow):
    with pytest.raises(RankNoshError) as raised:
        trouble()
    found = re.search(told, str(raised.value))
    assert found, raised.value
    assert follow(found) is not None
