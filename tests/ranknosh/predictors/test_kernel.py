import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence, evidence, places
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Observed, Promotion, Proposed
from ranknosh.errors import ConfigError
from ranknosh.predictors import kernel as module
from ranknosh.predictors.base import Encodings, normal_scores, reference
from ranknosh.predictors.covariance import MixedKernel
from ranknosh.predictors.kernel import KernelPredictor, StagedPredictor, uniform_scores
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from tests.peaks import peak_bytes

SPACE = get_space("nasbench201")
PYRAMID = Pyramid.make((1, 2), 0.5)


def brute(encodings: Encodings, share: float, degree: int) -> NDArray[np.float64]:
    """The covariance matrix written out: matching slots counted one pair at a time, features against the reference."""
    codes, n = encodings.codes, len(encodings)
    yardstick = reference(encodings.space, 512, 0).features.astype(float)
    rows = encodings.features.astype(float) - yardstick.mean(axis=0)
    scale = np.mean([row @ row for row in yardstick - yardstick.mean(axis=0)])
    found = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            matching = sum(int(a == b) for a, b in zip(codes[i], codes[j], strict=True))
            found[i, j] = (1 - share) * ((1 + matching) / 7) ** degree + share * rows[i] @ rows[j] / scale
    return found


@pytest.fixture
def few(everyone: Encodings) -> Encodings:
    """Eight to learn from, then six others of which one equals a member."""
    return everyone.take([5, 1000, 2000, 3000, 4000, 77, 888, 4999, 5, 6, 1001, 2500, 3131, 4242])


@pytest.fixture
def known() -> Evidence:
    order = np.array([0.5, 0.25, 1.0, 0.0, 0.75, 0.375, 0.875, 0.625])
    return Evidence(
        (), np.zeros((0, 2), np.int64), np.zeros(0, np.float32), order, np.ones(8, np.int64), order[:, None]
    )


def test_normal_scores_by_hand() -> None:
    found = normal_scores(np.array([0.2, 0.9, 0.4]))
    assert found[2] == pytest.approx(0)
    assert found[1] == pytest.approx(-found[0]) == pytest.approx(np.sqrt(1.5))
    assert normal_scores(np.array([0.3, 0.3])).tolist() == [0, 0]
    ties = normal_scores(np.array([0.0, 0.0, 1.0, 0.5]))
    assert ties[0] == ties[1] < ties[3] < ties[2]


@pytest.mark.parametrize(("share", "degree"), [(0.0, 3), (0.5, 3), (0.5, 2), (1.0, 1)])
def test_mean_and_spread_are_those_of_the_textbook_formula(
    few: Encodings, known: Evidence, share: float, degree: int
) -> None:
    predictor = KernelPredictor(features=share, degree=degree, noise=0.07)
    predictor.fit(few.take(range(8)), known, seed=0)
    covariance = brute(few, share, degree)
    inverse = np.linalg.inv(covariance[:8, :8] + 0.07 * np.eye(8))
    mean = covariance[:, :8] @ inverse @ normal_scores(known.order)
    variance = np.diag(covariance - covariance[:, :8] @ inverse @ covariance[:8])
    np.testing.assert_allclose(predictor.score(few), mean, atol=1e-6)
    np.testing.assert_allclose(predictor.spread(few), np.sqrt(variance), atol=1e-6)


def test_draws_have_the_mean_and_covariance_of_the_posterior(few: Encodings, known: Evidence) -> None:
    predictor = KernelPredictor(noise=0.07, scale=1.0)
    predictor.fit(few.take(range(8)), known, seed=0)
    covariance = brute(few, 0.5, 3)
    posterior = covariance - covariance[:, :8] @ np.linalg.solve(covariance[:8, :8] + 0.07 * np.eye(8), covariance[:8])
    draws = predictor.draws(few, range(1500))
    error = 4.0 / np.sqrt(1500)
    np.testing.assert_allclose(draws.mean(axis=0), predictor.score(few), atol=error * np.sqrt(posterior.max()))
    np.testing.assert_allclose(np.cov(draws.T, bias=True), posterior, atol=1.5 * error * posterior.max())
    np.testing.assert_allclose(draws[:, 0], draws[:, 8])


@pytest.mark.parametrize(("noise", "wrong"), [(1.0, 0.0), (4.0, 16.0)])
def test_draws_vary_where_a_noisy_result_says_little(
    noise: float, wrong: float, few: Encodings, known: Evidence
) -> None:
    """``wrong``: the variance of the noise in samples that forget it, or scale it by the variance."""
    members, predictor = few.take(range(8)), KernelPredictor(noise=noise, scale=1.0)
    predictor.fit(members, known, seed=0)
    covariance = brute(members, 0.5, 3)
    gain = covariance @ np.linalg.inv(covariance + noise * np.eye(8))
    variance, moved = np.diag(covariance - gain @ covariance), np.diag(gain @ gain.T) * abs(wrong - noise)
    found = predictor.draws(members, range(1500)).var(axis=0)
    error = 4 * np.sqrt(2 / 1500)  # four standard deviations of a variance from 1,500 normal draws
    np.testing.assert_allclose(found, variance, rtol=error)
    assert np.all(moved > 2 * error * variance)


def test_scale_shrinks_the_draws_toward_the_mean(few: Encodings, known: Evidence) -> None:
    whole, half = KernelPredictor(scale=1.0), KernelPredictor(scale=0.5)
    for predictor in (whole, half):
        predictor.fit(few.take(range(8)), known, seed=0)
    mean = whole.score(few)
    np.testing.assert_allclose(half.draws(few, [3])[0] - mean, 0.5 * (whole.draws(few, [3])[0] - mean), atol=1e-10)


def test_long_sets_are_scored_alike_and_drawn_where_it_matters(
    few: Encodings, known: Evidence, everyone: Encodings, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = KernelPredictor()
    predictor.fit(few.take(range(8)), known, seed=0)
    score, draw = predictor.score(everyone), predictor.draws(everyone, [11])[0]
    monkeypatch.setattr(module, "_LOOKUPS", 1000)
    np.testing.assert_allclose(predictor.score(everyone), score, atol=1e-5)
    short = predictor.draws(everyone, [11])[0]
    drawn = np.flatnonzero(np.abs(short - score) > 1e-4)
    best = np.argsort(-(score + 2 * predictor.spread(everyone)))[: module._SHORTLIST]
    assert len(drawn) > 0.9 * module._SHORTLIST
    assert set(drawn) <= set(best)
    np.testing.assert_allclose(short[drawn], draw[drawn], atol=1e-5)


@pytest.mark.parametrize("options", [{"degree": 7}, {"noise": 0.0}, {"features": 1.5}])
def test_impossible_settings_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        KernelPredictor(**options)  # type: ignore[arg-type]


def evidence_of(architectures, histories):
    records = [Proposed(i, a, SPACE.canonical(a), SPACE.format(a), 0, "random") for i, a in enumerate(architectures)]
    for i, metrics in enumerate(histories):
        for level, metric in enumerate(metrics, start=1):
            records += [Promotion(i, level)] if level > 1 else []
            records.append(Observed(i, level, metric, {"accuracy": metric, "loss": 1.0}, 1, 0.1))
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


def test_with_one_level_nothing_drifts(some):
    """Scores are of the highest level seen, which is where the results are."""
    architectures, _ = some
    one = evidence_of(architectures, [(0.5 + 0.03 * i,) for i in range(12)])
    members = Encodings(SPACE, architectures)
    steady, drifting = (StagedPredictor(drift=drift) for drift in (0.0, 50.0))
    for predictor in (steady, drifting):
        predictor.fit(members, one, seed=0)
    np.testing.assert_allclose(drifting.score(members), steady.score(members))
    np.testing.assert_allclose(drifting.draws(members, [3]), steady.draws(members, [3]))


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


def test_a_fit_of_many_holds_their_covariances_twice(everyone: Encodings) -> None:
    """Once as they are and once factored: with a third copy there would be 3.2 of them."""
    n = 1500
    order = np.arange(n) / n
    nothing = np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    known = Evidence((), *nothing, order, np.ones(n, np.int64), order[:, None])
    members, predictor = everyone.take(np.arange(n)), KernelPredictor()
    assert peak_bytes(lambda: predictor.fit(members, known, seed=0)) < 2.8 * 8 * n * n
