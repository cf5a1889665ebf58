"""What a predictor's earlier predictions turned out to be worth.

Prequential (Dawid, 1984): every prediction is compared with a result that was not known when it was made, so that there is
nothing to hold out and nothing to leak.
"""

from dataclasses import dataclass
from math import inf

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pool import Pool

_REPORT_FROM = 4
_CLOSE_FROM = 8
_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """tau: Kendall's tau-b over ``compared`` candidates, None while fewer than four were scored by a predictor or where it is
    undefined. scored: how many of those compared have a predictor's score; the others are random ones with score 0.
    """

    tau: float | None
    compared: int
    scored: int

    @property
    def distrust(self) -> str | None:
        """Why the predictor is not used: eight scored candidates or more show it to be no better than chance. Else None."""
        if self.scored < _CLOSE_FROM or self.tau is None or self.tau > 0:
            return None
        return (
            f"over {self.compared} candidates the predictions made before training agreed with the results no better than "
            f"chance (Kendall's tau {self.tau:.2f})"
        )


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
