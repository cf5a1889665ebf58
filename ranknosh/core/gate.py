"""What a predictor's earlier predictions turned out to be worth, and whether it is used.

Prequential (Dawid, 1984): every prediction is compared with a result that was not known when it was made, so that there is
nothing to hold out and nothing to leak.

The rule: while fewer than eight of its predictions have a result, a predictor is used on trial; from then on only while
Kendall's tau is above 0. Candidates that are drawn at random meanwhile are predicted too, so that it can win its use back.
Whether tau is above 0 by more than chance is said and decides nothing: those that a predictor chooses are so alike by its own
scores that a good one looks doubtful for long, and a rule that asked for it cost regret (benchmarks/RESULTS.md).
"""

from dataclasses import dataclass
from math import inf, sqrt

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pool import Pool

_REPORT_FROM = 4
_CLOSE_FROM = 8
_REMEMBERED = 50
_NORMAL = 1.2816
"""Standard errors to either side of an 80 % interval."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """tau: Kendall's tau-b over ``compared`` candidates, None while fewer than four were scored by a predictor or where it is
    undefined. scored: how many of those compared have a predictor's score; the others are random ones with score 0.
    """

    tau: float | None
    compared: int
    scored: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 80 % interval of tau, cut at -1 and 1; None where there is no tau."""
        return None if self.tau is None else tau_interval(self.tau, self.compared)

    @property
    def better(self) -> bool | None:
        """Whether the predictions are shown to be better than chance: the interval lies above 0. None where there is none."""
        return None if self.interval is None else self.interval[0] > 0

    @property
    def distrust(self) -> str | None:
        """Why the predictor is not used: over eight scored candidates or more tau is not above 0. Else None."""
        if self.scored < _CLOSE_FROM or self.tau is None or self.tau > 0:
            return None
        return (
            f"over {self.compared} candidates the predictions made before training agreed with the results no better than "
            f"chance (Kendall's tau {self.tau:.2f})"
        )


def tau_interval(tau: float, n: int) -> tuple[float, float]:
    """The 80 % interval of Kendall's tau over ``n`` pairs (two or more), cut at -1 and 1.

    Its standard error is that of two orders that have nothing to do with each other, ``sqrt(2 (2n + 5) / (9n (n - 1)))``
    (Kendall, Biometrika 1938, without ties): 0 is outside exactly where chance alone would seldom go so far.
    """
    half = _NORMAL * sqrt(2 * (2 * n + 5) / (9 * n * (n - 1)))
    return max(tau - half, -1.0), min(tau + half, 1.0)


def judge(pool: Pool) -> Verdict:
    """Compare the scores candidates were proposed with and their metrics at level 1.

    Only the latest 50 predictions count, so that a predictor is not held to what it said when little was known. Initial
    candidates drawn at random count with score 0, what a random architecture's score is on average. Candidates that failed
    before level 1 count as worst; crashed ones (which say nothing about the architecture) are left out.
    """
    scores: list[float] = []
    results: list[float] = []
    scored = 0
    for candidate in reversed(pool.candidates.values()):
        predicted, known = candidate.origin in ("predictor", "explore", "evolution"), 1 in candidate.observations
        score = candidate.score if predicted else 0.0 if candidate.origin == "random" else None
        if score is None or not (known or candidate.unfit) or (predicted and scored == _REMEMBERED):
            continue
        scores.append(score)
        results.append(candidate.observations[1].metric if known else -inf)
        scored += predicted
    tau = kendall_tau(scores, results) if scored >= _REPORT_FROM else None
    return Verdict(tau, len(scores), scored)
