import numpy as np
import pytest

from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, FailureKind, Observed, Origin, Proposed
from ranknosh.predictors.gate import Verdict, judge
from ranknosh.spaces.base import Architecture


class Story:
    """A pool told candidate by candidate."""

    def __init__(self) -> None:
        self.pool = Pool()

    def add(
        self, origin: Origin, score: float | None, metric: float | None = None, failed: FailureKind | None = None
    ) -> None:
        number = self.pool.count
        self.pool.apply(Proposed(number, Architecture("toy", (number,)), str(number), str(number), 0, origin, score))
        if metric is not None:
            self.pool.apply(Observed(number, 1, metric, metric, None, 1, 1.0))
        if failed:
            self.pool.apply(Failed(number, 1, failed, "", 1, 1.0))


def test_scores_and_results_are_compared_by_kendalls_tau() -> None:
    story = Story()
    for score, metric in ((1.0, 0.2), (2.0, 0.3), (3.0, 0.1), (4.0, 0.9)):
        story.add("predictor", score, metric)
    assert judge(story.pool) == Verdict(pytest.approx((4 - 2) / 6), 4, 4)


def test_random_ones_count_with_score_zero_whatever_they_carry() -> None:
    story = Story()
    for metric in (0.1, 0.2):
        story.add("random", 9.0, metric)
    for score, metric in ((1.0, 0.3), (2.0, 0.4), (-1.0, 0.05), (3.0, 0.5)):
        story.add("explore", score, metric)
    verdict = judge(story.pool)
    assert (verdict.compared, verdict.scored) == (6, 4)
    assert verdict.tau == pytest.approx(14 / np.sqrt(15 * 14))


def test_seeds_and_those_without_a_result_or_score_are_left_out() -> None:
    story = Story()
    story.add("seed", 5.0, 0.9)
    story.add("user", None, 0.9)
    story.add("predictor", None, 0.9)
    story.add("predictor", 1.0)
    story.add("predictor", 1.0, failed="crashed")
    assert judge(story.pool) == Verdict(None, 0, 0)


def test_a_failure_counts_as_the_worst_result() -> None:
    story = Story()
    for score, metric in ((1.0, -3.0), (2.0, -2.0), (3.0, -1.0)):
        story.add("predictor", score, metric)
    story.add("predictor", 0.5, failed="diverged")
    assert judge(story.pool).tau == pytest.approx(1.0)
    story.add("predictor", 9.0, failed="invalid")
    tau = judge(story.pool).tau
    assert tau is not None
    assert tau < 0.5


def test_too_few_have_no_tau_and_the_gate_closes_from_eight_on() -> None:
    story = Story()
    for step in range(7):
        assert (judge(story.pool).tau is None) == (step < 4)
        story.add("predictor", float(step), -float(step))
    assert judge(story.pool).tau == -1.0
    assert judge(story.pool).distrust is None
    story.add("predictor", 7.0, -7.0)
    assert judge(story.pool).distrust is not None
    assert Verdict(None, 20, 20).distrust is None
    assert Verdict(0.01, 20, 20).distrust is None
    assert Verdict(0.0, 20, 20).distrust is not None


def test_only_the_latest_fifty_predictions_count() -> None:
    story = Story()
    story.add("random", None, 0.5)
    for step in range(30):
        story.add("predictor", float(step), -float(step))
    assert judge(story.pool).distrust is not None
    for step in range(50):
        story.add("explore", float(step), float(step))
    assert judge(story.pool) == Verdict(pytest.approx(1.0, abs=0.05), 51, 50)
