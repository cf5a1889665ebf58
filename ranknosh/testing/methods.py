"""What is asked of a search method."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ranknosh.errors import RankNoshError
from ranknosh.predictors.own_proposer import Result, checked_function, takes_results
from ranknosh.spaces.base import Architecture, Space
from ranknosh.streams import stream
from ranknosh.testing.saying import expect, tried
from ranknosh.testing.supernets import check_search

_RESULTS = 40
_EPOCHS = 3


def check_method(
    method: Callable[..., Any], space: Space, *, options: Mapping[str, Any] | None = None, seed: int = 0
) -> None:
    """Check everything that ``compare``, ``bench`` and ``search`` ask of a method of the user's own.

    Args:
        method: a function of (space, results, rng) that proposes an architecture, or one of epochs that gives a supernet method.
        space: that it searches; a supernet method is run for a few steps where the space has a supernet.
        options: of a supernet method, beside ``epochs``; fewer samples, say, where its own would take minutes.
        seed: of the results that it is shown.

    Raises:
        AssertionError: says what does not hold.
    """
    what = f"the method {getattr(method, '__name__', method)}"
    if not takes_results(method):
        _check_supernet(method, what, space, options or {})
        return
    try:
        checked_function(method, what.removeprefix("the method "), space)
    except RankNoshError as error:
        raise AssertionError(str(error)) from error
    rng = stream(seed, "check method")
    results: list[Result] = []
    while len(results) < _RESULTS:
        one = _asked_twice(method, space, tuple(results), seed, what)
        results.append(Result(one, float(rng.random()), 1))
    different = len({space.canonical(result.architecture) for result in results})
    expect(
        different > min(_RESULTS, space.size) // 10,
        f"{what} proposed {different} different architectures in {_RESULTS} questions; a search trains each once",
    )


def _asked_twice(
    method: Callable[..., Any], space: Space, known: Sequence[Result], seed: int, what: str
) -> Architecture:
    """What the method gives, which has to be the same whatever the global generators hold."""
    given = []
    for other in (1, 2):
        random.seed(other)
        np.random.seed(other)  # noqa: NPY002 - what must not be used
        given.append(tried(what, lambda: method(space, known, stream(seed, "asked", len(known)))))
    expect(
        given[0] == given[1],
        f"{what} gives two architectures for equal results and generators; it has to be a function of these alone",
    )
    tried(f"{what} with {len(known)} results", lambda: space.chosen(given[0]))
    found: Architecture = given[0]
    return found


def _check_supernet(method: Callable[..., Any], what: str, space: Space, options: Mapping[str, Any]) -> None:
    from ranknosh.registry import made
    from supernet.method import Method

    def make(**more: Any) -> Method:
        found: Method = tried(
            what, lambda: made(method, Method, what.removeprefix("the method "), "method", {**options, **more})
        )
        return found

    if make().epochs == 0:  # it trains nothing, so no epochs are asked of it
        check_search(make(), make(), space, what)
        return
    short, longer = make(epochs=_EPOCHS), make(epochs=2 * _EPOCHS)
    expect(short.epochs >= _EPOCHS, f"{what} was asked for {_EPOCHS} epochs and takes {short.epochs}")
    expect(
        longer.epochs > short.epochs,
        f"{what} takes {longer.epochs} epochs when asked for {_EPOCHS} and for twice as many",
    )
    check_search(short, make(epochs=_EPOCHS), space, what)
