"""What every ranker sees and offers, and the unit of its scores."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ranknosh.core.pairs import Evidence
from ranknosh.core.seeding import LevelZero
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.encodings import Codes, Graphs, Rows, onehot
from ranknosh.streams import stream

Floats = NDArray[np.float64]


class Encodings:
    """``n`` architectures of one space, seen as codes, indicator rows, feature rows or graphs.

    Each view is computed when first asked for, then kept: a search scores the same architectures again and again.
    """

    def __init__(self, space: Space, architectures: Sequence[Architecture]) -> None:
        self.space = space
        self.architectures = tuple(architectures)

    def __len__(self) -> int:
        return len(self.architectures)

    @cached_property
    def keys(self) -> NDArray[np.str_]:
        """(n,): canonical ids."""
        return np.array([self.space.canonical(architecture) for architecture in self.architectures], dtype=np.str_)

    @cached_property
    def codes(self) -> Codes:
        """(n, slots): the choice taken at every slot."""
        return self.space.codes(self.architectures)

    @cached_property
    def onehot(self) -> Rows:
        """(n, sum of counts): one indicator per slot and choice."""
        return onehot(self.codes, self.space.counts)

    @cached_property
    def features(self) -> Rows:
        """(n, d): the space's own feature rows (indicators, paths, counts)."""
        return self.space.features(self.codes)

    @cached_property
    def rows(self) -> Floats:
        """``features`` in double precision."""
        return self.features.astype(np.float64)

    @cached_property
    def graphs(self) -> Graphs:
        """Dense line graphs, padded to the largest of these architectures."""
        return self.space.graphs(self.codes)

    @cached_property
    def derived(self) -> WeakKeyDictionary[Any, Any]:
        """What predictors made of these architectures, each under itself or a part of it."""
        return WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        """Without ``derived``, which knows predictors by their address."""
        return {name: kept for name, kept in vars(self).items() if name != "derived"}

    def take(self, indices: Sequence[int] | NDArray[np.integer]) -> Self:
        """These rows in this order. Arrays computed already are sliced, not computed again."""
        rows = np.asarray(indices, dtype=np.int64)
        taken = type(self)(self.space, [self.architectures[i] for i in rows])
        taken.__dict__.update({view: kept[rows] for view, kept in vars(self).items() if isinstance(kept, np.ndarray)})
        return taken


class Predictor(ABC):
    """Learns an order of architectures. Scores have no unit of their own: only their order and differences mean anything.

    ``fit`` replaces what was learned before. The other three raise RuntimeError before the first fit, and treat every
    architecture on its own: its value does not depend on the others of the same call, unless a predictor says otherwise. All
    are deterministic in their arguments and the seed of the fit. A predictor without uncertainty of its own has spread 0, and
    every draw is its score.
    """

    name: str
    _model: Any = None

    @property
    def model(self) -> Any:
        """What the last fit left. Raises RuntimeError before the first one."""
        if self._model is None:
            raise RuntimeError(f"the predictor {type(self).__name__} was asked for scores before it was fitted")
        return self._model

    def consider(self, level_zero: LevelZero) -> None:  # noqa: B027  # most have no use for it
        """Take what was scored before any training as evidence in later fits, as far as the results bear it out."""

    @abstractmethod
    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        """Learn the order of n architectures.

        Args:
            encodings: of the n members.
            evidence: their order, level by level, and pairs of them; members in the order of ``encodings``.
            seed: of everything random in the fit.
        """

    @abstractmethod
    def score(self, encodings: Encodings) -> Floats:
        """(n,) mean prediction, higher is better."""

    def spread(self, encodings: Encodings) -> Floats:
        """(n,) standard deviation of the prediction, in the unit of the scores, never negative."""
        return np.zeros(len(encodings))

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> Floats:
        """(len(seeds), n): one draw from the posterior, or one ensemble member, for every seed."""
        return np.tile(self.score(encodings), (len(seeds), 1))


def normal_scores(order: Floats) -> Floats:
    """Ranks as quantiles of the standard normal, mean 0 and variance 1; ties share their mean rank; constant gives zeros."""
    if not len(order):
        return np.zeros(0)
    from scipy.stats import rankdata  # slow to import, and not needed before the first fit

    scores = ndtri((rankdata(order) - 0.5) / len(order))
    scores = scores - scores.mean()
    deviation = float(scores.std())
    return scores / deviation if deviation > 1e-12 else np.zeros(len(order))


@dataclass(frozen=True, slots=True)
class Scale:
    """The mean and standard deviation of scores over a reference sample of random architectures."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The scale of these scores. Constant scores get deviation 1, so that standardising gives zeros, not NaN."""
        deviation = float(np.std(values)) if len(values) else 0.0
        mean = float(np.mean(values)) if len(values) else 0.0
        return cls(mean, deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0)

    def apply(self, values: Floats) -> Floats:
        """Scores in standard deviations above a random architecture."""
        return (values - self.mean) / self.deviation


def reference(space: Space, count: int, seed: int) -> Encodings:
    """Random architectures that can learn (dead ones are drawn again), by which scores are standardised.

    Args:
        space: of the architectures.
        count: how many; drawn with replacement, so that a small space is enough for any number.
        seed: of the draw.
    """
    rng = stream(seed, "reference")
    drawn = (space.sample(rng) for _ in range(20 * count))
    return Encodings(space, tuple(islice((one for one in drawn if not space.is_dead(one)), count)))
