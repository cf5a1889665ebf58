import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings, reference
from ranknosh.predictors.combined import AutoPredictor, EnsemblePredictor, bootstrap
from ranknosh.predictors.kernel import KernelPredictor
from ranknosh.predictors.linear import LinearPredictor
from ranknosh.predictors.random import RandomPredictor
from ranknosh.streams import stream

PAIRS = np.array([[0, 1], [0, 2], [1, 2], [3, 0]], dtype=np.int64)
ORDER = np.array([0.6, 0.4, 0.2, 1.0])
KNOWN = Evidence((), PAIRS, np.array([1, 2, 3, 4], np.float32), ORDER, np.array([1, 1, 1, 2]), ORDER[:, None])


def test_members_are_bootstraps_told_in_one_unit(
    everyone: Encodings, target: NDArray[np.float64], make_evidence
) -> None:
    rows = np.random.default_rng(0).choice(len(everyone), 40, replace=False)
    members, known = everyone.take(rows), make_evidence(target[rows])
    ensemble = EnsemblePredictor(lambda _: LinearPredictor(), members=3)
    ensemble.fit(members, known, seed=5)
    yardstick = reference(everyone.space, 512, 0)
    alone = []
    for number in range(3):
        drawn, part = bootstrap(known, stream(5, "bootstrap", number))
        single = LinearPredictor()
        single.fit(members.take(drawn), part, seed=0)
        unit = single.score(yardstick)
        alone.append((single.score(everyone) - unit.mean()) / unit.std())
    np.testing.assert_allclose(ensemble.scores(everyone), alone, atol=1e-9)
    np.testing.assert_allclose(ensemble.score(everyone), np.mean(alone, axis=0), atol=1e-9)
    np.testing.assert_allclose(ensemble.spread(everyone), np.std(alone, axis=0), atol=1e-9)
    draws = ensemble.draws(everyone, range(30))
    chosen = [int(np.abs(np.array(alone) - draw).max(axis=1).argmin()) for draw in draws]
    np.testing.assert_allclose(draws, np.array(alone)[chosen], atol=1e-9)
    assert set(chosen) == {0, 1, 2}


def test_a_new_fit_forgets_kept_scores(everyone: Encodings, target: NDArray[np.float64], make_evidence) -> None:
    rows = np.arange(0, 5000, 100)
    ensemble = EnsemblePredictor(lambda _: LinearPredictor(), members=2)
    ensemble.fit(everyone.take(rows), make_evidence(target[rows]), seed=0)
    before = ensemble.score(everyone)
    ensemble.fit(everyone.take(rows), make_evidence(-target[rows]), seed=0)
    assert np.corrcoef(before, ensemble.score(everyone))[0, 1] < -0.5


def test_a_bootstrap_draws_as_many_members_as_there_are() -> None:
    rng = stream(0, "test")
    replay = stream(0, "test")
    for _ in range(20):
        rows, drawn = bootstrap(KNOWN, rng)
        counts = np.bincount(replay.integers(4, size=4), minlength=4)
        assert rows.tolist() == np.flatnonzero(counts).tolist()
        expected = {
            (winner, loser): weight * counts[winner] * counts[loser]
            for (winner, loser), weight in zip(PAIRS.tolist(), KNOWN.weights.tolist(), strict=True)
            if counts[winner] and counts[loser]
        }
        found = {(int(rows[w]), int(rows[k])): u for (w, k), u in zip(drawn.pairs, drawn.weights, strict=True)}
        assert found == expected


@pytest.fixture
def rows(everyone: Encodings) -> NDArray[np.int64]:
    return np.random.default_rng(0).choice(len(everyone), 60, replace=False)


@pytest.mark.parametrize("names", [("random", "linear"), ("linear", "random"), ("random", "kernel")])
def test_what_predicts_is_chosen_over_what_does_not(
    everyone: Encodings, target: NDArray[np.float64], make_evidence, rows: NDArray[np.int64], names: tuple[str, ...]
) -> None:
    kinds = {"random": RandomPredictor, "linear": LinearPredictor, "kernel": KernelPredictor}
    auto = AutoPredictor([kinds[name]() for name in names])
    auto.fit(everyone.take(rows), make_evidence(target[rows]), seed=0)
    (useful,) = set(names) - {"random"}
    assert auto.name == f"auto:{useful}"
    alone = kinds[useful]()
    alone.fit(everyone.take(rows), make_evidence(target[rows]), seed=0)
    np.testing.assert_array_equal(auto.score(everyone), alone.score(everyone))
    np.testing.assert_array_equal(auto.draws(everyone, [4]), alone.draws(everyone, [4]))


def test_the_estimate_is_the_mean_tau_of_members_left_out(
    everyone: Encodings, target: NDArray[np.float64], make_evidence, rows: NDArray[np.int64]
) -> None:
    members, known = everyone.take(rows), make_evidence(target[rows])
    auto = AutoPredictor([LinearPredictor()], parts=3)
    auto.fit(members, known, seed=9)
    taus = []
    for part in np.array_split(stream(9, "folds", 60).permutation(60), 3):
        part.sort()
        rest = np.setdiff1d(np.arange(60), part)
        single = LinearPredictor()
        single.fit(members.take(rest), known.subset(rest), seed=9)
        taus.append(kendall_tau(single.score(members.take(part)), known.order[part]))
    assert auto.estimates == {"linear": pytest.approx(np.mean(taus))}


def test_with_very_few_members_the_first_is_taken(everyone: Encodings, make_evidence) -> None:
    auto = AutoPredictor([KernelPredictor(), LinearPredictor()])
    auto.fit(everyone.take([1, 2000, 4000]), make_evidence(np.array([0.1, 0.3, 0.2])), seed=0)
    assert auto.name == "auto:kernel"
