"""Sanity on NAS-Bench-201 accuracies, where the table is at hand."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from ranknosh.predictors.base import Encodings
from ranknosh.predictors.making import make_predictor

TABLE = Path(__file__).parents[4] / "shared" / "data" / "nasbench201_cifar10.npz"
pytestmark = pytest.mark.skipif(not TABLE.exists(), reason=f"no table at {TABLE}")


@pytest.fixture(scope="module")
def table(space):
    with np.load(TABLE) as stored:
        cells = Encodings(space, [space.parse(text.decode()) for text in stored["arch"]])
        seeds = stored["epoch200_seeds"].astype(np.float64)
    return cells, seeds[:, 0], np.nanmean(seeds, axis=1)


@pytest.mark.parametrize(("name", "least"), [("linear", 0.58), ("kernel", 0.55), ("auto", 0.6), ("gbdt", 0.6)])
def test_a_hundred_single_seed_labels_order_the_whole_space(name, least, table, make_evidence) -> None:
    if name == "gbdt":
        pytest.importorskip("xgboost")
    cells, label, truth = table
    taus = []
    for seed in range(5):
        rows = np.random.default_rng(seed).choice(len(cells), 100, replace=False)
        predictor = make_predictor(name)
        predictor.fit(cells.take(rows), make_evidence(label[rows]), seed=seed)
        taus.append(kendalltau(predictor.score(cells), truth).statistic)
    assert np.mean(taus) >= least
