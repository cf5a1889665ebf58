"""A predictor of the user's own, watched: what it raises or gives back wrong is said in one sentence, with its name."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ranknosh.core.pairs import Evidence
from ranknosh.core.seeding import LevelZero
from ranknosh.errors import FOREIGN, OwnCodeError, RankNoshError, first_line
from ranknosh.predictors.base import Encodings, Floats, Predictor, reference
from ranknosh.spaces.base import Space

_TRIED = 12
_REMEDY = "correct it"
Value = TypeVar("Value")


def try_predictor(predictor: Predictor, space: Space) -> None:
    """Fit a predictor of the user's own on a few made-up results and ask it everything, so that what cannot work is said before
    a run begins. It is left fitted.

    Raises:
        OwnCodeError: see :class:`OwnPredictor`.
    """
    encodings = reference(space, _TRIED, seed=0)
    n = len(encodings)
    winners, losers = np.triu_indices(n, 1)
    pairs = np.stack([losers, winners], axis=1)  # the later ones are the better ones
    order = np.arange(1, n + 1) / max(n, 1)
    levels = np.ones(n, dtype=np.int64)
    known = Evidence((), pairs, np.ones(len(pairs), np.float32), order, levels, order[:, None])
    predictor.fit(encodings, known, seed=0)
    predictor.score(encodings)
    predictor.spread(encodings)
    predictor.draws(encodings, [0, 1])


class OwnPredictor(Predictor):
    """Asks ``predictor`` and checks its answers.

    Args:
        predictor: unfitted.
        name: that it was asked for by, which stands in the records.

    Raises:
        OwnCodeError: (from every method) the predictor raised, or gave values of another shape, NaN, or a negative spread.
    """

    def __init__(self, predictor: Predictor, name: str) -> None:
        self.predictor, self.name = predictor, name

    def consider(self, level_zero: LevelZero) -> None:
        self._asked("consider", lambda: self.predictor.consider(level_zero))

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        self._asked("fit", lambda: self.predictor.fit(encodings, evidence, seed=seed))

    def score(self, encodings: Encodings) -> Floats:
        return self._checked("score", lambda: self.predictor.score(encodings), (len(encodings),))

    def spread(self, encodings: Encodings) -> Floats:
        spread = self._checked("spread", lambda: self.predictor.spread(encodings), (len(encodings),))
        if (spread < 0).any():
            raise OwnCodeError(
                f"the predictor {self.name} gave a spread of {spread.min():g}; it is a standard deviation, at least 0; {_REMEDY}"
            )
        return spread

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        return self._checked("draws", lambda: self.predictor.draws(encodings, seeds), (len(seeds), len(encodings)))

    def _asked(self, method: str, ask: Callable[[], Value]) -> Value:
        try:
            return ask()
        except RankNoshError:
            raise
        except FOREIGN as error:
            raise OwnCodeError(
                f"the predictor {self.name} raised in {method}: {first_line(error, named=True)}; {_REMEDY}"
            ) from error

    def _checked(self, method: str, ask: Callable[[], Floats], shape: tuple[int, ...]) -> Floats:
        given = self._asked(method, ask)
        values = self._asked(method, lambda: np.asarray(given, dtype=np.float64))
        if values.shape != shape:
            raise OwnCodeError(
                f"the predictor {self.name} gave an array of shape {values.shape} from {method}, not {shape}; {_REMEDY}"
            )
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            raise OwnCodeError(
                f"the predictor {self.name} gave {count} values from {method} that are not finite; {_REMEDY}"
            )
        return values
