"""A search method of the user's own: what its function sees, and what becomes of what it gives."""

import numpy as np
import pytest

from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Observed, Promotion
from ranknosh.errors import ConfigError
from ranknosh.predictors.own_proposer import OwnProposer, Result, checked_function, takes_results
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream

SPACE = get_space("nasbench201")
LIVE = [one for one in list(SPACE.enumerate())[2000:2100] if not SPACE.is_dead(one)]


def proposer(function, **more):
    return OwnProposer(SPACE, function, "mine:f", 3, **more)


def numbered(space, results, rng):
    """The architectures of LIVE in their order."""
    return LIVE[len(results)]


def test_it_sees_the_results_in_order_at_every_level_and_no_failure():
    pool, seen = Pool(), []
    for number, record in enumerate(proposer(lambda s, r, rng: SPACE.sample(rng)).propose(pool, range(4), 0).records):
        pool.apply(record)
        if number != 2:
            pool.apply(Observed(number, 1, 0.1 * number, {}, 1, 1.0))
    pool.apply(Failed(2, 1, "diverged", "loss is nan", 1, 0.1))
    pool.apply(Promotion(1, 2))
    pool.apply(Observed(1, 2, 0.9, {}, 2, 1.0))

    def function(space, results, rng):
        seen.append(results)
        return SPACE.sample(rng)

    proposer(function).propose(pool, [4], 1)
    first = [pool.candidates[number].architecture for number in (0, 1, 3)]
    assert seen[0] == (
        Result(first[0], 0.0, 1),
        Result(first[1], 0.9, 2, earlier=(0.1,)),
        Result(first[2], pytest.approx(0.3), 1),
    )


def test_a_batch_cut_in_two_is_the_batch_it_would_have_been():
    make = proposer(lambda space, results, rng: space.sample(rng))
    whole = make.propose(Pool(), range(5), 0).records
    pool = Pool()
    for record in make.propose(Pool(), range(2), 0).records:
        pool.apply(record)
    assert (*whole[:2], *make.propose(pool, range(2, 5), 0).records) == whole
    assert {record.origin for record in whole} == {"user"}
    assert len({record.key for record in whole}) == 5


def test_what_is_known_or_dead_is_asked_for_again_and_then_drawn_at_random():
    dead = next(one for one in SPACE.enumerate() if SPACE.is_dead(one))
    asked = []

    def stubborn(space, results, rng):
        asked.append(1)
        return dead if len(asked) % 2 else LIVE[0]

    first, second = proposer(stubborn).propose(Pool(), range(2), 0).records
    assert first.architecture == LIVE[0]
    assert second.origin == "random"
    assert len(asked) == 2 + 50
    assert not SPACE.is_dead(second.architecture)


def test_the_proxies_picks_come_first():
    make = proposer(numbered, seeds=[(LIVE[7], "seed", 0.5)])
    first, second = make.propose(Pool(), range(2), 0).records
    assert (first.architecture, first.origin, first.score) == (LIVE[7], "seed", 0.5)
    assert (second.architecture, second.origin) == (LIVE[0], "user")


def test_a_space_that_is_used_up_ends_the_proposals():
    class Few(type(SPACE)):
        def shuffled(self, rng):
            return iter(LIVE[:2])

    found = OwnProposer(Few(), lambda space, results, rng: LIVE[0], "mine:f", 0).propose(Pool(), range(9), 0).records
    assert [record.architecture for record in found] == LIVE[:2]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda space, results: LIVE[0], r"takes \(space, results, rng\)"),
        (3, "no proposal function"),
        (Result, "no proposal function"),
        (lambda space, results, rng: results[0], "mine:f raised with 0 results: IndexError.*; correct it$"),
        (lambda space, results, rng: (1, 2, 3), "gave tuple, no architecture of nasbench201; correct it"),
        (
            lambda space, results, rng: Architecture("darts", (0,)),
            "gave no architecture of nasbench201: .*space 'darts'",
        ),
        (
            lambda space, results, rng: Architecture("nasbench201", (9,) * 6),
            "gave no architecture of nasbench201: code",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_a_run(function, message):
    with pytest.raises(ConfigError, match=message):
        checked_function(function, "mine:f", SPACE)


def test_functions_are_told_apart_by_what_they_take():
    assert takes_results(numbered)
    assert takes_results(lambda space, results, rng, size=3: None)
    assert not takes_results(lambda epochs=50: None)
    assert not takes_results(lambda epochs=50, momentum=0.9, decay=0.0: None)
    assert not takes_results(np.float64)
    assert checked_function(numbered, "mine:f", SPACE) is numbered
    assert numbered(SPACE, (), stream(0, "x")) == LIVE[0]
