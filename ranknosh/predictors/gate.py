"""What a predictor's earlier predictions turned out to be worth.

Prequential (Dawid, 1984): every prediction is compared with a result that was not known when it was made, so that there is
nothing to hold out and nothing to leak.
"""

from __future__ import annotations

from dataclasses import dataclass

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pool import Pool
from ranknosh.core.records import SURROUNDINGS

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
    def closed(self) -> bool:
        """True where at least eight scored candidates show the predictions to be no better than chance."""
        return self.scored >= _CLOSE_FROM and self.tau is not None and self.tau <= 0

    @property
    def distrust(self) -> str | None:
        """Why the predictor is not used; None where it is."""
        if not self.closed:
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
    metrics: list[float | None] = []
    scored = 0
    for candidate in sorted(pool.candidates.values(), key=lambda candidate: -candidate.id):
        predicted, known = candidate.origin in ("predictor", "explore", "evolution"), 1 in candidate.observations
        score = candidate.score if predicted else 0.0 if candidate.origin == "random" else None
        failed = candidate.failed is not None and candidate.failed.kind not in SURROUNDINGS
        if score is None or not (known or failed) or (predicted and scored == _REMEMBERED):
            continue
        scores.append(score)
        metrics.append(candidate.observations[1].metric if known else None)
        scored += predicted
    worst = min((metric for metric in metrics if metric is not None), default=0.0) - 1.0
    results = [worst if metric is None else metric for metric in metrics]
    tau = kendall_tau(scores, results) if scored >= _REPORT_FROM else None
    return Verdict(tau, len(scores), scored)
