"""What further candidates cost, and how many of them a budget of epochs holds."""

from __future__ import annotations

from collections.abc import Sequence

from ranknosh.core.pyramid import Pyramid


def price(
    pyramid: Pyramid, candidates: int, entered: Sequence[int], committed: int, finalists: int | None = None
) -> int:
    """Epochs committed once ``candidates`` (in all) are searched.

    entered: how many were ever asked to reach each level. committed: epochs spent and reserved. finalists: None for the sizes
    alone, else also what bringing the best of the highest level to the top costs and so many trainings anew.
    """
    sizes = pyramid.sizes(candidates)
    missing = [max(size - known, 0) for size, known in zip(sizes, entered, strict=True)]
    total = committed + sum(step * number for step, number in zip(pyramid.steps, missing, strict=True))
    if finalists is None:
        return total
    highest = sum(max(size, known) > 0 for size, known in zip(sizes, entered, strict=True))
    top = pyramid.epochs[-1]
    return total + top - (0, *pyramid.epochs)[highest] + finalists * top


def most_affordable(
    pyramid: Pyramid,
    low: int,
    high: int,
    entered: Sequence[int],
    committed: int,
    limit: int,
    finalists: int | None = None,
) -> int | None:
    """The largest number of candidates from ``low`` to ``high`` whose :func:`price` is at most ``limit``; None where none is.

    The price of the end falls where a further level is entered for the first time; between those numbers everything grows, so
    that each stretch is halved. Takes levels * log(high - low) prices.
    """
    ends = [high]
    for level in range(2, pyramid.levels + 1):
        first = pyramid.first_to_reach(level)
        ends += [first - 1] if low < first <= high else []
    for end in sorted(set(ends), reverse=True):
        start = max((other + 1 for other in ends if other < end), default=low)
        if price(pyramid, start, entered, committed, finalists) > limit:
            continue
        while start < end:
            middle = (start + end + 1) // 2
            if price(pyramid, middle, entered, committed, finalists) <= limit:
                start = middle
            else:
                end = middle - 1
        return start
    return None
