import numpy as np
import pytest

from ranknosh.core.gate import Verdict, judge, tau_interval
from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, FailureKind, Observed, Origin, Proposed
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
            self.pool.apply(Observed(number, 1, metric, {"accuracy": metric}, 1, 1.0))
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


def test_the_interval_is_as_wide_as_chance_makes_it() -> None:
    """Of 10 pairs: 2 (2 10 + 5) / (9 10 9) is 0.0617, its root 0.2485; of 2 pairs 1, so that it is cut at 1."""
    assert tau_interval(0.3, 10) == pytest.approx((0.3 - 1.2816 * 0.24845, 0.3 + 1.2816 * 0.24845), abs=1e-4)
    assert tau_interval(0.5, 2) == (pytest.approx(0.5 - 1.2816), 1.0)


def test_chance_alone_leaves_the_interval_in_one_of_five_searches() -> None:
    rng = np.random.default_rng(0)
    taus = [kendall_tau(rng.random(20), rng.random(20)) for _ in range(500)]
    outside = [not low <= 0 <= high for low, high in (tau_interval(tau or 0.0, 20) for tau in taus)]
    assert np.mean(outside) == pytest.approx(0.2, abs=0.05)


def test_better_than_chance_is_said_where_the_interval_lies_above_it() -> None:
    """A tau of 0.32 over 10 is 1.288 standard errors from 0, of 0.31 only 1.248."""
    assert [Verdict(tau, 10, 10).better for tau in (0.32, 0.31, -0.9, None)] == [True, False, False, None]
    assert Verdict(0.31, 10, 10).distrust is None  # which is enough to be used


def test_only_the_latest_fifty_predictions_count() -> None:
    story = Story()
    story.add("random", None, 0.5)
    for step in range(30):
        story.add("predictor", float(step), -float(step))
    assert judge(story.pool).distrust is not None
    for step in range(50):
        story.add("explore", float(step), float(step))
    assert judge(story.pool) == Verdict(pytest.approx(1.0, abs=0.05), 51, 50)
