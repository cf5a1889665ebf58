"""The budget: what is spent of it, what further candidates cost, and how many of them it holds.

Epochs are a contract: what a training may cost is reserved while it is unfinished, and nothing is decided that does not fit, so
that ``committed <= limit`` holds at every moment. Wall and device time are caps: work stops within the epoch that is running when
they are reached, and what the best needs to reach the top is kept (:mod:`ranknosh.core.finishing`). Disk is checked before a
newcomer is let in.
"""

import itertools
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.errors import BudgetTooSmall, ConfigError


@dataclass(frozen=True)
class Limits:
    """None means no limit. ``epochs``: training epochs of candidates; seconds of wall and device time; bytes of checkpoints."""

    epochs: int | None = None
    wall_seconds: float | None = None
    device_seconds: float | None = None
    disk_bytes: int | None = None


@dataclass(frozen=True)
class Ledger:
    """Epochs of a search under ``limit`` (None: unlimited), as its pool knows them."""

    pool: Pool
    pyramid: Pyramid
    limit: int | None = None

    @property
    def committed(self) -> int:
        """Epochs spent, and those that unfinished trainings have left."""
        return self.pool.epochs_spent + self.pool.unfinished(self.pyramid.epochs)

    @property
    def left(self) -> int | None:
        """Epochs that further trainings may take; None without a limit."""
        return None if self.limit is None else self.limit - self.committed

    def room(self, epochs: int) -> int:
        """How many trainings of ``epochs`` each fit."""
        return sys.maxsize if self.limit is None else max((self.limit - self.committed) // epochs, 0)


@dataclass(frozen=True)
class Plan:
    """What a search sets out to do: ``candidates`` in all (None: no end), and whether the epoch budget sets that number."""

    candidates: int | None
    by_epochs: bool


def plan(pyramid: Pyramid, limits: Limits, rules: Rules, pool: Pool | None = None) -> Plan:
    """How many candidates the limits hold.

    Args:
        pyramid: the levels and the size rule.
        limits: the budget, of which only epochs bound the number beforehand.
        rules: candidates, finalists and closing share.
        pool: what was decided so far; None for a search that has not begun.

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
    committed = Ledger(pool, pyramid).committed
    for finalists in (max(rules.finalists - len(pool.reruns), 0), None):
        price = partial(_price, pyramid, entered, committed, finalists)
        number = number or _most_affordable(pyramid, range(pool.count, most + 1), price, limit)
    number = number or pool.count
    return Plan(number, rules.candidates is None or number < rules.candidates)


def _price(pyramid: Pyramid, entered: Sequence[int], committed: int, finalists: int | None, candidates: int) -> int:
    """Epochs committed once ``candidates`` (in all) are searched, ``entered[i]`` of which were asked to reach level i + 1.

    Without ``finalists`` by the sizes alone, else with what bringing the best of the highest level to the top costs and so many
    trainings anew.
    """
    sizes = pyramid.sizes(candidates)
    reached = [max(size, known) for size, known in zip(sizes, entered, strict=True)]
    missing = zip(pyramid.steps, reached, entered, strict=True)
    total = committed + sum(step * (number - known) for step, number, known in missing)
    if finalists is None:
        return total
    highest = sum(number > 0 for number in reached)
    return total + sum(pyramid.steps[highest:]) + finalists * pyramid.epochs[-1]


def _most_affordable(pyramid: Pyramid, numbers: range, price: Callable[[int], int], limit: int) -> int | None:
    """The largest of ``numbers`` of candidates whose :func:`_price` is at most ``limit``; None where none is.

    The price of the end falls where a further level is entered for the first time; between those numbers everything grows, so
    that each stretch is halved. Takes levels * log(numbers) prices.
    """
    firsts = (pyramid.first_to_reach(level) for level in range(2, pyramid.levels + 1))
    starts = sorted({numbers.start, *(first for first in firsts if first in numbers)})
    for start, end in reversed([*itertools.pairwise([*starts, numbers.stop])]):
        fitting = bisect_right(range(start, end), limit, key=price)
        if fitting:
            return start + fitting - 1
    return None
