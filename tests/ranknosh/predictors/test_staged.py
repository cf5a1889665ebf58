"""The two-level process against its textbook formula on a small space, and what it changes."""

import numpy as np
import pytest

from ranknosh.core.pairs import evidence, places
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Observed, Promotion, Proposed
from ranknosh.errors import ConfigError
from ranknosh.predictors.encodings import Encodings
from ranknosh.predictors.kernel import KernelPredictor, MixedKernel
from ranknosh.predictors.staged import StagedPredictor, uniform_scores
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream

SPACE = get_space("nasbench201")
PYRAMID = Pyramid.make((1, 2), 0.5)


def evidence_of(architectures, histories):
    records = [Proposed(i, a, SPACE.canonical(a), SPACE.format(a), 0, "random") for i, a in enumerate(architectures)]
    for i, metrics in enumerate(histories):
        for level, metric in enumerate(metrics, start=1):
            records += [Promotion(i, level)] if level > 1 else []
            records.append(Observed(i, level, metric, metric, 1.0, 1, 0.1))
    return evidence(Pool(records), PYRAMID)


@pytest.fixture(scope="module")
def some():
    architectures = [SPACE.sample(stream(0, "staged test", i)) for i in range(12)]
    histories = [(0.5 + 0.03 * i, 0.9 - 0.05 * i) if i % 3 == 0 else (0.5 + 0.03 * i,) for i in range(12)]
    return architectures, evidence_of(architectures, histories)


def brute_force(architectures, known, test, options):
    """Posterior mean and variance of the top level, from the joint covariance written out entry by entry."""
    kernel = MixedKernel(SPACE, options["degree"], options["features"])
    view = kernel.view(Encodings(SPACE, architectures))
    there = kernel.view(Encodings(SPACE, test))
    place = places(known.members, 2)
    seen = [(i, level) for level in (1, 2) for i in range(len(architectures)) if not np.isnan(place[i, level - 1])]
    base, cross = kernel.between(view, view), kernel.between(view, there)
    size = len(seen)
    covariance = np.empty((size, size))
    for row, (i, level) in enumerate(seen):
        for column, (j, other) in enumerate(seen):
            covariance[row, column] = base[i, j] * (1 + options["drift"] * (min(level, other) - 1))
        covariance[row, row] += options["noise"] if level == 1 else options["top_noise"]
    target = np.array([(place[i, level - 1] - 0.5 / 12 - 0.5) * np.sqrt(12) for i, level in seen])
    weights = np.array([cross[i] * (1 + options["drift"] * (level - 1)) for i, level in seen])
    solved = np.linalg.solve(covariance, weights)
    prior = kernel.variances(there) * (1 + options["drift"])
    return solved.T @ target, prior - np.sum(weights * solved, axis=0)


@pytest.mark.parametrize("features", [0.0, 0.4])
def test_the_posterior_is_the_textbook_one(some, features):
    architectures, known = some
    options = {"degree": 2, "features": features, "noise": 0.2, "top_noise": 0.05, "drift": 0.3}
    predictor = StagedPredictor(**options)
    predictor.fit(Encodings(SPACE, architectures), known, seed=0)
    test = [SPACE.sample(stream(1, "staged test", i)) for i in range(6)]
    mean, variance = brute_force(architectures, known, test, options)
    there = Encodings(SPACE, test)
    assert predictor.score(there) == pytest.approx(mean, abs=1e-8)
    assert predictor.spread(there) ** 2 == pytest.approx(variance, abs=1e-8)
    drawn = StagedPredictor(**options, scale=1.0)
    drawn.fit(Encodings(SPACE, architectures), known, seed=0)
    sample = drawn.draws(there, range(3000))
    assert sample.mean(axis=0) == pytest.approx(mean, abs=0.1)
    assert sample.var(axis=0) == pytest.approx(variance, rel=0.15, abs=0.01)


def test_a_higher_level_overrules_the_lower_one(some):
    architectures, known = some
    members = Encodings(SPACE, architectures)
    staged = StagedPredictor(top_noise=0.001, noise=0.5)
    staged.fit(members, known, seed=0)
    scores = staged.score(members)
    assert scores[0] > scores[9]  # better at level 2, far worse at level 1
    first_level_only = evidence_of(architectures, [(0.5 + 0.03 * i,) for i in range(12)])
    staged.fit(members, first_level_only, seed=0)
    scores = staged.score(members)
    assert scores[0] < scores[9]


def test_with_one_level_it_ranks_as_the_plain_kernel_does(some):
    architectures, _ = some
    one = evidence_of(architectures, [(0.5 + 0.03 * i,) for i in range(12)])
    members = Encodings(SPACE, architectures)
    staged, plain = StagedPredictor(noise=0.05, features=0.3), KernelPredictor(noise=0.05, features=0.3)
    for predictor in (staged, plain):
        predictor.fit(members, one, seed=0)
    assert np.corrcoef(staged.score(members), plain.score(members))[0, 1] > 0.97


def test_draws_follow_their_seed(some):
    architectures, known = some
    predictor = StagedPredictor()
    predictor.fit(Encodings(SPACE, architectures), known, seed=0)
    first, again, other = predictor.draws(Encodings(SPACE, architectures), [1, 1, 2])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_uniform_scores_have_mean_zero_and_variance_one():
    scores = uniform_scores(np.arange(1, 1001) / 1000, 1000)
    assert (scores.mean(), scores.var()) == pytest.approx((0.0, 1.0), abs=1e-3)


@pytest.mark.parametrize("wrong", [{"top_noise": 0.0}, {"drift": -0.1}, {"noise": 0.0}])
def test_variances_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError):
        StagedPredictor(**wrong)
