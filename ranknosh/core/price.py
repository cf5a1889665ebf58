"""What further candidates cost, and how many of them a budget of epochs holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Decision, Promotion, Rerun
from ranknosh.errors import BudgetTooSmall, ConfigError


@dataclass(frozen=True)
class Plan:
    """What a search sets out to do: ``candidates`` in all (None: no end), and whether the epoch budget sets that number."""

    candidates: int | None
    by_epochs: bool


def plan(pyramid: Pyramid, limits: Limits, rules: Rules, pool: Pool | None = None, committed: int = 0) -> Plan:
    """How many candidates the limits hold.

    Args:
        pyramid: the levels and the size rule.
        limits: the budget, of which only epochs bound the number beforehand.
        rules: candidates, finalists and closing share.
        pool: what was decided so far; None for a search that has not begun.
        committed: epochs spent and reserved so far.

    Raises:
        ConfigError: nothing ends the search.
        BudgetTooSmall: the budget holds no candidate.
    """
    if rules.candidates is None and limits == Limits():
        raise ConfigError(
            "the search has no end: set pyramid.candidates, budget.epochs, budget.time or budget.device_time"
        )
    if limits.epochs is None:
        return Plan(rules.candidates, False)
    first = pyramid.epochs[0]
    if limits.epochs < first:
        raise BudgetTooSmall(
            f"budget.epochs is {limits.epochs}, but the first level trains a candidate for {first} "
            f"epoch{'s' if first > 1 else ''}; the smallest budget that holds a candidate is {first}"
        )
    pool = Pool() if pool is None else pool
    most = limits.epochs // first + pool.count
    if rules.candidates is not None:
        most = max(min(most, rules.candidates), pool.count)
    entered = [pool.entered(level) for level in range(1, pyramid.levels + 1)]
    limit = max(limits.epochs - int(limits.epochs * rules.closing), first)
    number: int | None = None
    for finalists in (max(rules.finalists - len(pool.reruns), 0), None):
        number = number or _most_affordable(pyramid, range(pool.count, most + 1), entered, committed, limit, finalists)
    number = number or pool.count
    return Plan(number, rules.candidates is None or number < rules.candidates)


def epochs_of(pyramid: Pyramid, decision: Decision) -> int:
    """Epochs that the training behind a decision takes."""
    if isinstance(decision, Rerun):
        return pyramid.epochs[-1]
    return pyramid.steps[decision.to_level - 1 if isinstance(decision, Promotion) else 0]


def _price(
    pyramid: Pyramid, candidates: int, entered: Sequence[int], committed: int, finalists: int | None = None
) -> int:
    """Epochs committed once ``candidates`` (in all) are searched, ``entered[i]`` of which were asked to reach level i + 1.

    Without ``finalists`` by the sizes alone, else with what bringing the best of the highest level to the top costs and so many
    trainings anew.
    """
    sizes = pyramid.sizes(candidates)
    missing = [max(size - known, 0) for size, known in zip(sizes, entered, strict=True)]
    total = committed + sum(step * number for step, number in zip(pyramid.steps, missing, strict=True))
    if finalists is None:
        return total
    highest = sum(max(size, known) > 0 for size, known in zip(sizes, entered, strict=True))
    top = pyramid.epochs[-1]
    return total + top - (0, *pyramid.epochs)[highest] + finalists * top


def _most_affordable(
    pyramid: Pyramid, numbers: range, entered: Sequence[int], committed: int, limit: int, finalists: int | None = None
) -> int | None:
    """The largest of ``numbers`` of candidates whose :func:`_price` is at most ``limit``; None where none is.

    The price of the end falls where a further level is entered for the first time; between those numbers everything grows, so
    that each stretch is halved. Takes levels * log(numbers) prices.
    """

    def price_of(candidates: int) -> int:
        return _price(pyramid, candidates, entered, committed, finalists)

    firsts = [pyramid.first_to_reach(level) for level in range(2, pyramid.levels + 1)]
    starts = sorted({numbers.start, *(first for first in firsts if first in numbers)})
    for start, end in reversed([*zip(starts, [*starts[1:], numbers.stop], strict=True)]):
        fitting = bisect_right(range(start, end), limit, key=price_of)
        if fitting:
            return start + fitting - 1
    return None
