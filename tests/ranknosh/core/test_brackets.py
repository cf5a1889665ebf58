"""Hyperband's brackets: the paper's table, and searches whose promotions stay within a bracket."""

import pytest

from ranknosh.core.brackets import Brackets
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Observed, Promotion, Proposed
from ranknosh.errors import ConfigError
from tests.ranknosh_simulation import answer, decisions, simulate

PAPER = Brackets.of([1, 3, 9, 27, 81])
TABLE = [(81, 27, 9, 3, 1), (34, 34, 11, 3, 1), (15, 15, 15, 5, 1), (8, 8, 8, 8, 2), (5, 5, 5, 5, 5)]
"""Li et al., JMLR 2018, table 1 (R = 81, η = 3), the levels that a bracket passes before its first rung filled in."""
SMALL = Brackets.of([1, 2, 4])
"""Brackets of 4, ceil(3 / 2 * 2) = 3 and 3 candidates."""


def test_brackets_are_those_of_the_papers_table():
    assert PAPER.entrants == (81, 34, 15, 8, 5)
    assert [PAPER.bracket(first, entrants) for first, entrants in enumerate(PAPER.entrants)] == TABLE


def test_brackets_follow_each_other_and_begin_anew():
    ends = [PAPER.batch_end(bracket) for bracket in range(7)]
    assert ends == [81, 115, 130, 138, 143, 143 + 81, 143 + 115]
    for bracket, end in enumerate(ends):
        assert (PAPER.batch_of(end - 1), PAPER.batch_of(end)) == (bracket, bracket + 1)
        whole = [TABLE[number % 5] for number in range(bracket + 1)]
        assert PAPER.sizes(end) == tuple(map(sum, zip(*whole, strict=True)))


def test_part_of_a_bracket_has_its_shares():
    """30 of the second bracket, of which 10 reach 9 epochs, 3 reach 27 and 1 all of them."""
    assert PAPER.sizes(81 + 30) == (111, 57, 19, 6, 2)
    assert [SMALL.sizes(number) for number in (1, 2, 4, 6)] == [(1, 0, 0), (2, 1, 0), (4, 2, 1), (6, 4, 2)]
    steps = (1, 1, 2)
    assert all(SMALL.cost(n) == sum(a * b for a, b in zip(steps, SMALL.sizes(n), strict=True)) for n in range(25))


def test_levels_that_are_no_powers_and_a_single_one():
    """200 epochs are 16.7 times 12: brackets of ceil(16.7) = 17 and of 2; with one level every bracket is one training."""
    uneven, single = Brackets.of([12, 200]), Brackets.of([5])
    assert (uneven.entrants, uneven.bracket(0, 17), uneven.bracket(1, 2)) == ((17, 2), (17, 1), (2, 2))
    assert (single.entrants, single.sizes(7), single.batch_of(3)) == ((1,), (7,), 3)


def promoted(journal):
    """Per bracket and level, who was promoted, in order; and the observations so far at each of these moments."""
    batch = {record.candidate_id: record.batch for record in journal if isinstance(record, Proposed)}
    seen, found = {}, []
    for record in journal:
        if isinstance(record, Observed):
            seen[record.candidate_id, record.level] = record.metric
        elif isinstance(record, Promotion) and record.reason == "quota":
            found.append((batch[record.candidate_id], record.to_level, record.candidate_id, dict(seen)))
    return batch, found


def good(job):
    """Without failures, so that the sizes are exactly those of the brackets."""
    reply = answer(job)
    return (
        reply
        if isinstance(reply.outcome, Observed)
        else type(reply)(job, Observed(job.candidate_id, job.level, 0.4, {}, job.epochs, 0.1))
    )


@pytest.mark.parametrize(("workers", "shuffle"), [(1, None), (4, 3)])
def test_the_best_of_a_bracket_go_up_and_nobody_from_outside(workers, shuffle):
    search, journal = simulate(SMALL, candidates=20, schedule="hyperband", workers=workers, shuffle=shuffle, reply=good)
    batch, found = promoted(journal)
    assert [sum(bracket == each for each in batch.values()) for bracket in range(6)] == [4, 3, 3, 4, 3, 3]
    reached = {(bracket, level): [] for bracket in range(6) for level in (2, 3)}
    for bracket, level, candidate, seen in found:
        mine = [one for one in batch if batch[one] == bracket and (one, level - 1) in seen]
        left = [one for one in mine if one not in reached[bracket, level]]
        assert candidate == max(left, key=lambda one: seen[one, level - 1])
        reached[bracket, level].append(candidate)
    sizes = {key: len(value) for key, value in reached.items()}
    assert [(sizes[b, 2], sizes[b, 3]) for b in range(6)] == [(2, 1), (3, 1), (3, 3)] * 2
    assert search.pool.epochs_spent == SMALL.cost(20)


def test_paused_ones_of_other_brackets_are_passed_over():
    """Under the size rule the best that rest beside a bracket are promoted in place of its own; in a bracket they are not."""
    _, apart = simulate(SMALL, candidates=20, schedule="hyperband", reply=good)
    _, together = simulate(SMALL, candidates=20, reply=good)
    assert len(promoted(apart)[1]) == len(promoted(together)[1])
    assert [each[2] for each in promoted(apart)[1]] != [each[2] for each in promoted(together)[1]]


@pytest.mark.parametrize("search", [{"candidates": 20}, {"epochs": 61}, {"epochs": 40, "finalists": 1}], ids=str)
def test_no_worker_and_no_cut_changes_a_decision(search):
    _, whole = simulate(SMALL, schedule="hyperband", **search)
    _, many = simulate(SMALL, schedule="hyperband", workers=5, shuffle=2, **search)
    assert decisions(many) == decisions(whole)
    for place in range(len(whole)):
        found, resumed = simulate(SMALL, schedule="hyperband", history=whole[:place], **search)
        assert decisions(resumed) == decisions(whole)
        assert found.pool.epochs_spent <= search.get("epochs", 10**9)


def test_a_pyramid_of_one_ratio_is_refused():
    with pytest.raises(ConfigError, match="hyperband needs brackets"):
        simulate(Pyramid.make([1, 2, 4]), candidates=20, schedule="hyperband")
    with pytest.raises(ConfigError, match=r"pyramid\.overlap is 2 and pyramid\.schedule is hyperband"):
        simulate(SMALL, candidates=20, schedule="hyperband", overlap=2)
