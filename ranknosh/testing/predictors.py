"""What is asked of a predictor."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings, Floats, Predictor, reference
from ranknosh.spaces.base import Space
from ranknosh.streams import stream
from ranknosh.testing.saying import expect, tried

_MEMBERS = 60
_UNSEEN = 200
_TOLERANCE = 1e-4


def check_predictor(make: Callable[[], Predictor], space: Space, *, learns: float | None = 0.2, seed: int = 0) -> None:
    """Check everything that a search asks of a predictor.

    Args:
        make: gives a fresh one: its class, or a function.
        space: on which it is tried.
        learns: Kendall's tau that it has to reach on unseen architectures, when the order of 60 others is a sum over their
            choices; None where it need not learn.
        seed: of members and fits.

    Raises:
        AssertionError: says what does not hold.
    """
    predictor = tried("making the predictor", make)
    expect(
        isinstance(predictor, Predictor),
        f"{type(predictor).__name__} is no subclass of ranknosh.predictors.base.Predictor",
    )
    what = f"the predictor {getattr(predictor, 'name', type(predictor).__name__)}"
    members, unseen = reference(space, _MEMBERS, seed), reference(space, _UNSEEN, seed + 1)
    truth = _order(space, seed)
    known = evidence_of(truth(members))
    _check_unfitted(predictor, unseen, what)
    before = members.codes.copy(), known.order.copy()
    tried(f"{what}: fit", lambda: predictor.fit(members, known, seed=seed))
    same = np.array_equal(before[0], members.codes) and np.array_equal(before[1], known.order)
    expect(same, f"{what} changes what it is given")
    _check_answers(predictor, unseen, what)
    _check_again(make, predictor, members, unseen, known, seed, what)
    if learns is not None:
        tau = kendall_tau(predictor.score(unseen), truth(unseen)) or 0.0
        expect(tau >= learns, f"{what} orders unseen architectures with Kendall's tau {tau:.2f}, below {learns}")


def evidence_of(values: Floats) -> Evidence:
    """All pairs of members of level 1 with these values (n,), higher is better."""
    n = len(values)
    winners, losers = np.nonzero(values[:, None] > values[None, :])
    order = np.empty(n)
    order[np.argsort(values, kind="stable")] = np.arange(1, n + 1) / n
    pairs = np.stack([winners, losers], axis=1).astype(np.int64)
    return Evidence((), pairs, np.ones(len(pairs), np.float32), order, np.ones(n, dtype=np.int64), order[:, None])


def _order(space: Space, seed: int) -> Callable[[Encodings], Floats]:
    """A value of every architecture that is the sum of what its options are worth."""
    rng = stream(seed, "check predictor")
    worth = [rng.normal(size=count) for count in space.counts]
    return lambda encodings: np.sum([each[encodings.codes[:, slot]] for slot, each in enumerate(worth)], axis=0)


def _check_unfitted(predictor: Predictor, unseen: Encodings, what: str) -> None:
    try:
        predictor.score(unseen)
    except RuntimeError:
        return
    except Exception as error:
        raise AssertionError(
            f"{what} raised {type(error).__name__} before its first fit; it has to be RuntimeError"
        ) from error
    raise AssertionError(f"{what} gives scores before its first fit; it has to raise RuntimeError")


def _check_answers(predictor: Predictor, unseen: Encodings, what: str) -> None:
    n = len(unseen)
    few = [3, 50, n - 1]
    scores = tried(f"{what}: score", lambda: predictor.score(unseen))
    spread = tried(f"{what}: spread", lambda: predictor.spread(unseen))
    drawn = tried(f"{what}: draws", lambda: predictor.draws(unseen, [4, 5, 4]))
    for name, values, shape in (("score", scores, (n,)), ("spread", spread, (n,)), ("draws", drawn, (3, n))):
        expect(np.shape(values) == shape, f"{what}: {name} has shape {np.shape(values)}, not {shape}")
        expect(np.isfinite(values).all(), f"{what}: {name} is not finite everywhere")
    expect((spread >= 0).all(), f"{what}: a spread is negative")
    expect(np.array_equal(drawn[0], drawn[2]), f"{what}: draws of one seed differ")
    expect(np.array_equal(scores, predictor.score(unseen)), f"{what}: score changes from call to call")
    close = np.allclose(scores[few], predictor.score(unseen.take(few)), atol=_TOLERANCE * (np.ptp(scores) + 1e-12))
    expect(close, f"{what}: the score of an architecture depends on the others of the call")
    nobody = unseen.take([])
    shapes = [
        np.shape(tried(f"{what}: nobody to score", lambda: predictor.score(nobody))),
        np.shape(predictor.spread(nobody)),
    ]
    expect(shapes == [(0,), (0,)], f"{what}: nobody to score gives shapes {shapes}")


def _check_again(
    make: Callable[[], Predictor],
    predictor: Predictor,
    members: Encodings,
    unseen: Encodings,
    known: Evidence,
    seed: int,
    what: str,
) -> None:
    """Fits are functions of their arguments, replace what was learned before, and survive pickling."""
    scores = predictor.score(unseen)
    fresh = make()
    fresh.fit(members, known, seed=seed)
    expect(np.array_equal(scores, fresh.score(unseen)), f"{what}: two fits of one seed differ")
    other = evidence_of(-known.order)
    fresh.fit(members, other, seed=seed)
    fresh.fit(members, known, seed=seed)
    expect(np.allclose(scores, fresh.score(unseen)), f"{what}: a fit does not replace what was learned before")
    copy = tried(f"{what}: pickling", lambda: pickle.loads(pickle.dumps(predictor)))
    expect(np.allclose(scores, copy.score(unseen)), f"{what}: its scores are others after pickling")
