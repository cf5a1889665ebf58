"""What the candidates of a level are ranked by when the best of them are trained on.

A signal is a number of a candidate's learning curve up to the level, higher is better: ``validation``, the plain one, is the
metric after the last epoch; ``mean`` is its mean over the last three epochs, ``ema`` its exponential moving average over all of
them; ``train_loss`` is that of the last epoch, negated; ``combined`` is the mean of the ranks by validation and by train_loss.

The rule of ``auto``: a level is ranked by the signal that has predicted the validation metric one level up best so far. Each is
judged on the same candidates, the latest that reached the level above. The plain one has a prior: another takes its place only
where it leads by more than chance would, and as if eight more candidates had been compared of which the two say the same. With
fewer than eight, and where the results have no curves, the plain one ranks.

Only who was promoted can be compared. That narrows the range of every signal, most that of the one they were chosen by, so that
others look somewhat better than they are; the prior covers it (benchmarks/signals.py measures by how much).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import SignalRule
from ranknosh.core.ranking import best_first
from ranknosh.core.records import PLAIN, EpochPoint, Signal

SIGNALS: tuple[Signal, ...] = get_args(Signal)
_AVERAGED = 3
"""Epochs of ``mean``."""
_NEWEST = 1 / 3
"""Weight of the newest epoch in ``ema``."""
_FEWEST = 8
_LATEST = 100
_PRIOR = 8
_ERRORS = 1.2816
"""Standard errors by which a signal has to lead: one end of an 80 % interval."""


@dataclass(frozen=True, slots=True)
class SignalStanding:
    """How well the signals of a level predicted the validation metric one level up.

    signal: the one that the rule ranks by. compared: candidates of both levels. taus: Kendall's tau (ties count as 0) of each
    signal that the results have; empty below two candidates.
    """

    level: int
    signal: Signal
    compared: int
    taus: Mapping[Signal, float]


def standing(pool: Pool, level: int) -> SignalStanding:
    """What the results so far say of the signals of a level.

    Args:
        pool: the candidates and their results.
        level: from 1, below the top.
    """
    both = sorted(one.id for one in pool.at_level(level + 1))[-_LATEST:]
    n = len(both)
    if n < 2:
        return SignalStanding(level, PLAIN, n, {})
    everyone = pool.at_level(level)
    row = {one.id: place for place, one in enumerate(everyone)}
    rows = [row[number] for number in both]
    above = _signs(np.array([pool.candidates[number].by_level[level + 1] for number in both]))
    right = {name: above * _signs(values(everyone, level, name)[rows]) for name in _offered(pool, level)}
    taus = {name: float(pairs.sum() / (n * (n - 1))) for name, pairs in right.items()}
    return SignalStanding(level, _leader(right), n, taus)


def signal_of(pool: Pool, level: int, rule: SignalRule) -> Signal:
    """What a level is ranked by now: the signal that is asked for, or that leads; the plain one where results lack it.

    Args:
        pool: the candidates and their results.
        level: from 1, below the top.
        rule: a signal, or ``auto``.
    """
    if rule == PLAIN or not pool.has_curves(level):
        return PLAIN
    if rule == "auto":
        return standing(pool, level).signal
    return rule if rule in _offered(pool, level) else PLAIN


def resting(pool: Pool, level: int, signal: Signal, most: int | None = None) -> list[Candidate]:
    """Who rests at a level, the best ``most`` by a signal first; of equal ones the better by the metric.

    Args:
        pool: the candidates; with objectives, the signal takes the metric's place among them.
        level: from 1.
        signal: what ranks.
        most: None for all.
    """
    if signal == PLAIN:
        return pool.residents(level, most)
    everyone = pool.at_level(level)
    ranked = values(everyone, level, signal)
    if pool.objectives is None:
        order = np.argsort(-ranked, kind="stable").tolist()
    else:
        points = [
            pool.objectives.values(value, one.costs) for value, one in zip(ranked.tolist(), everyone, strict=True)
        ]
        order = best_first(np.array(points))
    return [everyone[row] for row in order if pool.rests(everyone[row].id, level)][:most]


def values(candidates: Sequence[Candidate], level: int, signal: Signal) -> NDArray[np.float64]:
    """(n,) a signal of candidates at a level, higher is better.

    Args:
        candidates: all that completed the level; with curves, where the signal is not the plain one.
        level: from 1.
        signal: which.
    """
    if signal == "combined":
        return (_ranks(values(candidates, level, PLAIN)) + _ranks(values(candidates, level, "train_loss"))) / 2
    if signal == PLAIN:
        return np.array([one.observations[level].metric for one in candidates])
    return np.array([_of_curve(one.curve(level), signal) for one in candidates])


def _of_curve(points: Sequence[EpochPoint], signal: Signal) -> float:
    last = points[-1]
    if signal == "train_loss":
        return -last.train_loss
    if signal == "mean":
        near = [point.metric for point in points[-_AVERAGED:] if point.epoch > last.epoch - _AVERAGED]
        return sum(near) / len(near)
    average = points[0].metric
    for point in points[1:]:
        average += _NEWEST * (point.metric - average)
    return average


def _offered(pool: Pool, level: int) -> tuple[Signal, ...]:
    """The signals that all results of a level have."""
    if not pool.has_curves(level):
        return (PLAIN,)
    if all(isfinite(one.observations[level].curve[-1].train_loss) for one in pool.at_level(level)):
        return SIGNALS
    return (PLAIN, "mean", "ema")


def _leader(right: Mapping[Signal, NDArray[np.float64]]) -> Signal:
    """The signal to rank by.

    The lead of a signal is the mean over candidates of d, by how much oftener it has the candidate in the order of the level
    above with regard to another one than the plain signal has. Its standard error is 2 sd(d)/√n, since every pair counts for two
    (Sen, Calcutta Statistical Association Bulletin 1960, for U-statistics).

    Args:
        right: (n, n) a signal, 1 where it has two candidates in the order of the level above, -1 where in the opposite one.
    """
    plain = right[PLAIN]
    n, best, most = len(plain), PLAIN, 0.0
    if n < _FEWEST:
        return best
    for name, pairs in right.items():
        each = (pairs - plain).sum(axis=1) / (n - 1)
        lead = float(each.sum() / (n + _PRIOR) - _ERRORS * 2 * each.std(ddof=1) / sqrt(n))
        if lead > most:
            best, most = name, lead
    return best


def _signs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, n) 1 where the row is above the column, -1 where it is below, 0 where they are equal."""
    return np.sign(values[:, None] - values[None, :])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) from 1, more is better; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])
