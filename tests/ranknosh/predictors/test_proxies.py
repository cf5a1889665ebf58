"""What train-free scores tell a kernel predictor, against covariances that are written out."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.pairs import Evidence
from ranknosh.core.records import Scored
from ranknosh.core.seeding import LevelZero
from ranknosh.predictors.base import Encodings, Predictor, normal_scores
from ranknosh.predictors.combined import AutoPredictor, EnsemblePredictor
from ranknosh.predictors.covariance import MixedKernel
from ranknosh.predictors.kernel import KernelPredictor, StagedPredictor
from ranknosh.predictors.own import OwnPredictor
from ranknosh.predictors.proxies import ProxyColumns, likeliest
from ranknosh.streams import stream

Floats = NDArray[np.float64]
VARIANCES = (0.0, 0.03, 0.1, 0.3, 1.0)
MEMBERS, SCORED = 40, 200


def level_zero(encodings: Encodings, directions: dict[str, int] | None = None, **proxies: Floats) -> LevelZero:
    """Every architecture scored; NaN stands for no value."""
    found = []
    for row, one in enumerate(encodings.architectures):
        values = {name: None if np.isnan(column[row]) else float(column[row]) for name, column in proxies.items()}
        found.append(Scored(one, encodings.space.canonical(one), encodings.space.format(one), values, 0.0))
    return LevelZero(found, directions or {})


def drawn(count: int, *number: str | int) -> Floats:
    return stream(3, " ".join(map(str, ("proxy", *number)))).standard_normal(count)


@pytest.fixture(scope="module")
def distinct(everyone: Encodings) -> Encodings:
    """One code of each of 600 functions, in a mixed order."""
    first = np.unique(everyone.keys, return_index=True)[1]
    return everyone.take(stream(3, "proxy test").permutation(first)[:600])


def observed(values: Floats, level: int = 1) -> Evidence:
    """Members with these values, the better half of them at two levels where ``level`` is 2."""
    order = np.argsort(np.argsort(values)) / len(values) + 1 / len(values)
    places = np.full((len(values), level), np.nan)
    places[:, 0] = order
    places[order > 0.5, -1] = order[order > 0.5]
    levels = (~np.isnan(places)).sum(axis=1)
    return Evidence((), np.zeros((0, 2), np.int64), np.zeros(0, np.float32), order, levels, places)


def test_columns_of_those_scored_are_normal_scores_of_the_turned_values(distinct: Encodings) -> None:
    few = distinct.take([4, 9, 30])
    guide = level_zero(few, {"down": -1}, up=np.array([3.0, 1.0, 2.0]), down=np.array([5.0, np.nan, 4.0]))
    step = np.sqrt(1.5)
    expected = np.array([[0.0, step], [-step, -step], [step, 0.0]])  # down, then up; no value is the worst
    np.testing.assert_allclose(ProxyColumns(few.space, guide).of(few), expected, atol=1e-12)


@pytest.mark.parametrize("count", [0, 5])
def test_without_proxies_or_without_architectures_there_are_no_columns(distinct: Encodings, count: int) -> None:
    predictor, known = KernelPredictor(), distinct.take(range(MEMBERS))
    predictor.consider(level_zero(distinct.take(range(count))))
    predictor.fit(known, observed(drawn(MEMBERS)), seed=0)
    alone = KernelPredictor()
    alone.fit(known, observed(drawn(MEMBERS)), seed=0)
    np.testing.assert_array_equal(predictor.draws(distinct, [1]), alone.draws(distinct, [1]))


@pytest.mark.parametrize("number", [30, 400])
def test_columns_of_others_are_a_ridge_regression_on_their_features(distinct: Encodings, number: int) -> None:
    """With fewer and with more architectures than features."""
    known, others = distinct.take(range(number)), distinct.take(range(500, 520))
    value = drawn(number, "ridge")
    rows = known.rows - known.rows.mean(axis=0)
    penalty = np.sqrt(0.02 * np.mean(np.sum(rows**2, axis=1)))
    bottom = penalty * np.eye(rows.shape[1])
    target = np.concatenate([normal_scores(value), np.zeros(len(bottom))])
    slope = np.linalg.lstsq(np.vstack([rows, bottom]), target, rcond=None)[0]
    found = ProxyColumns(known.space, level_zero(known, p=value)).of(others)
    np.testing.assert_allclose(found[:, 0], (others.rows - known.rows.mean(axis=0)) @ slope, atol=1e-8)


def lower(covariance: Floats) -> Floats:
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def brute_force(covariance: Floats, target: Floats) -> float:
    """The log marginal likelihood but for a constant."""
    return -0.5 * float(target @ np.linalg.solve(covariance, target) + np.linalg.slogdet(covariance)[1])


def test_the_variance_is_the_one_of_the_highest_marginal_likelihood() -> None:
    rng = stream(3, "likelihood")
    root, column = rng.standard_normal((12, 12)), rng.standard_normal(12)
    base, level, drift = root @ root.T / 12 + 0.1 * np.eye(12), np.arange(12) % 3, 0.4
    shared = 1 + drift * np.minimum(level[:, None], level)
    found = []
    for slope in (0.0, 0.5, 1.0, 3.0):
        target = slope * column + 0.3 * rng.standard_normal(12)
        likelihood = [brute_force(base + v * np.outer(column, column) * shared, target) for v in VARIANCES]
        factor = lower(base)
        found += likeliest(column[:, None], level, drift, factor, target).tolist()
        assert found[-1] == VARIANCES[int(np.argmax(likelihood))]
    assert len(set(found)) > 2


@pytest.mark.parametrize("make", [KernelPredictor, StagedPredictor])
def test_the_posterior_is_the_textbook_one(distinct: Encodings, make: type[KernelPredictor]) -> None:
    everyone, members = distinct.take(range(SCORED)), distinct.take(range(MEMBERS))
    truth = drawn(SCORED, "truth")
    guide, known = level_zero(everyone, a=truth, b=drawn(SCORED, "noise")), observed(truth[:MEMBERS], 2)
    predictor = make(scale=1.0)
    predictor.consider(guide)
    predictor.fit(members, known, seed=0)
    seen = predictor._observations(known)
    columns = ProxyColumns(everyone.space, guide).of(everyone)
    columns -= columns[:MEMBERS].mean(axis=0)
    plain = MixedKernel(everyone.space, predictor.degree, predictor.features)
    base, drift, rows = plain.between(plain.view(everyone), plain.view(everyone)), predictor.drift, seen.rows
    shared = 1 + drift * np.minimum(seen.level[:, None], seen.level)
    inside, noise = base[np.ix_(rows, rows)] * shared, np.diag(seen.noise)
    variance = likeliest(columns[rows], seen.level, drift, lower(inside + noise), seen.target)
    assert variance[0] > 0
    base = base + columns * variance @ columns.T
    inside = base[np.ix_(rows, rows)] * shared + noise
    across = base[:, rows] * (1 + drift * seen.level)
    posterior = base * (1 + drift * (seen.levels - 1)) - across @ np.linalg.solve(inside, across.T)
    np.testing.assert_allclose(predictor.score(everyone), across @ np.linalg.solve(inside, seen.target), atol=1e-6)
    np.testing.assert_allclose(predictor.spread(everyone) ** 2, np.diag(posterior), atol=1e-6)
    some = everyone.take(range(MEMBERS - 3, MEMBERS + 3))
    draws, error = predictor.draws(some, range(1500)), 4.0 / np.sqrt(1500)
    exact = posterior[MEMBERS - 3 : MEMBERS + 3, MEMBERS - 3 : MEMBERS + 3]
    np.testing.assert_allclose(draws.mean(axis=0), predictor.score(some), atol=error * np.sqrt(exact.max()))
    np.testing.assert_allclose(np.cov(draws.T, bias=True), exact, atol=1.5 * error * exact.max())


def fitted(distinct: Encodings, proxy: Floats | None, truth: Floats, predictor: Predictor) -> Floats:
    """Scores of architectures whose results are not known, but scored by a proxy where there is one."""
    if proxy is not None:
        predictor.consider(level_zero(distinct.take(range(SCORED)), p=proxy))
    predictor.fit(distinct.take(range(MEMBERS)), observed(truth[:MEMBERS]), seed=0)
    return predictor.score(distinct.take(range(MEMBERS, SCORED)))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_proxy_that_knows_is_followed_also_where_it_is_turned_round(distinct: Encodings, sign: int) -> None:
    truth = drawn(SCORED, "truth")  # nothing that an encoding could tell
    unaided = fitted(distinct, None, truth, KernelPredictor())
    assert abs(np.corrcoef(unaided, truth[MEMBERS:])[0, 1]) < 0.3
    predictor = KernelPredictor()
    aided = fitted(distinct, sign * truth, truth, predictor)
    assert np.corrcoef(aided, truth[MEMBERS:])[0, 1] > 0.97
    assert 0.8 < sign * predictor._mean[-1] < 1.2


def test_a_proxy_that_is_noise_has_no_weight(distinct: Encodings) -> None:
    truth = distinct.take(range(SCORED)).codes.sum(axis=1) + 0.01 * drawn(SCORED, "truth")
    unaided = fitted(distinct, None, truth, KernelPredictor())
    for number in range(5):
        predictor = KernelPredictor()
        aided = fitted(distinct, drawn(SCORED, "noise", number), truth, predictor)
        assert abs(predictor._mean[-1]) < 0.15
        assert np.corrcoef(aided, unaided)[0, 1] > 0.98


@pytest.mark.parametrize(
    "made",
    [
        lambda: AutoPredictor([KernelPredictor()]),
        lambda: EnsemblePredictor(lambda number: KernelPredictor(), members=3),
        lambda: OwnPredictor(KernelPredictor(), "mine"),
    ],
)
def test_predictors_made_of_predictors_pass_it_on(distinct: Encodings, made: type[Predictor]) -> None:
    truth = drawn(SCORED, "truth")
    assert np.corrcoef(fitted(distinct, truth, truth, made()), truth[MEMBERS:])[0, 1] > 0.9
