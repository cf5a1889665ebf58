"""What packages that search a table by their own code have in common: parameters, reduction, and when such a search is over."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ranknosh.bench.account import Account
from ranknosh.spaces.base import Space

_MOST_IDLE = 200
"""Trials in a row that cost nothing, because the table showed all of them before, after which the search is over."""


def parameters(space: Space, whole: Callable[[int, int], Any], options: Callable[[list[int]], Any]) -> dict[str, Any]:
    """The choices of a space as parameters of a package, of the places of their options, by the numbers of the choices.

    Args:
        space: of the table.
        whole: makes a parameter of the whole numbers from one to another, for options that are in order.
        options: makes one of values that are in none.
    """
    return {
        str(number): whole(0, count - 1) if ordered else options(list(range(count)))
        for number, (count, ordered) in enumerate(zip(space.edits, space.ordered, strict=True))
    }


def row_of(account: Account, values: Mapping[str, Any]) -> int:
    """The row of what a package asks for, see :meth:`ranknosh.bench.account.Account.row_of`: packages know no table that holds a
    part of its space.

    Args:
        account: of the table.
        values: of all :func:`parameters`, and others.
    """
    return account.row_of([int(values[str(number)]) for number in range(len(account.table.space.edits))])


def reduction(account: Account) -> int:
    """η, a whole number: the ratio of the first two levels, so that rungs are levels; the packages' defaults are 3 and 4."""
    first, second = account.table.epochs[:2]
    return max(second // first, 2)


def spend(account: Account, trial: Callable[[], bool]) -> None:
    """One trial after another, as long as the budget pays for the next level of one.

    Args:
        account: pays.
        trial: asks the package, trains as it says and tells it; whether the budget paid for all of that.
    """
    idle = 0
    while idle < _MOST_IDLE:
        before = account.spent
        if not trial():
            return
        idle = 0 if account.spent > before else idle + 1


@contextmanager
def numpy_begun_with(seed: int) -> Iterator[None]:
    """For packages that draw by numpy's common numbers: these begin with ``seed``, and are left as they were."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
