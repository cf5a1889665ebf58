import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.metrics import kendall_tau
from ranknosh.predictors.auto import AutoPredictor
from ranknosh.predictors.encodings import Encodings
from ranknosh.predictors.kernel import KernelPredictor
from ranknosh.predictors.linear import LinearPredictor
from ranknosh.predictors.random import RandomPredictor
from ranknosh.streams import stream


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
