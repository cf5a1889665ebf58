import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.errors import ConfigError
from ranknosh.predictors import kernel as module
from ranknosh.predictors.encodings import Encodings, reference
from ranknosh.predictors.kernel import KernelPredictor, normal_scores


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
    return Evidence((), np.zeros((0, 2), np.int64), np.zeros(0, np.float32), order, np.ones(8, np.int64))


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


def test_draws_vary_where_a_noisy_result_says_little(few: Encodings, known: Evidence) -> None:
    """With noise as large as the signal half of a member's variance is left; samples that forget the noise keep a quarter."""
    members, predictor = few.take(range(8)), KernelPredictor(noise=1.0, scale=1.0)
    predictor.fit(members, known, seed=0)
    covariance = brute(members, 0.5, 3)
    gain = covariance @ np.linalg.inv(covariance + np.eye(8))
    variance, forgetful = (
        np.diag(covariance - gain @ covariance),
        np.diag(covariance - gain @ covariance - gain @ gain.T),
    )
    found = predictor.draws(members, range(1500)).var(axis=0)
    error = 4 * np.sqrt(2 / 1500)  # four standard deviations of a variance from 1,500 normal draws
    np.testing.assert_allclose(found, variance, rtol=error)
    assert np.all(forgetful < (1 - 2 * error) * variance)


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
