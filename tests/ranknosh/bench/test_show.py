"""What a table is said to hold, against figures worked out by hand."""

from hashlib import sha256

import numpy as np
import pytest

from ranknosh.bench.show import show

CELLS = [
    f"|none~0|+|none~0|none~1|+|{op}~0|none~1|none~2|"
    for op in ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
]


@pytest.fixture
def table(tmp_path):
    accuracy = np.full((4, 3, 2), np.nan)
    accuracy[:, :, 0] = [[10, 20, 50], [12, 30, 40], [14, 10, 60], [16, 40, 70]]
    accuracy[:3, :, 1] = [[10, 22, 54], [14, 24, 40], [12, 10, 60]]
    test = np.array([[51, np.nan], [39, np.nan], [61, np.nan], [60, np.nan]])
    named = {"arch": CELLS, "epochs": [1, 3, 9], "space": "nasbench201", "data": "made up", "recipe": "seed: 0"}
    np.savez(tmp_path / "t.npz", validation_accuracy=accuracy, test_accuracy=test, **named)
    return tmp_path / "t.npz"


def test_its_figures_are_those_worked_out_by_hand(table):
    found = show(table)
    assert (found.architectures, found.trainings, found.seeded) == (4, 7, 3)
    assert (found.space, found.data, found.recipe) == ("nasbench201", "made up", "seed: 0")
    assert (found.digest, found.bytes) == (sha256(table.read_bytes()).hexdigest(), table.stat().st_size)
    assert found.best == pytest.approx(0.70)
    assert [level.epochs for level in found.levels] == [1, 3, 9]
    first, middle, last = found.levels
    assert first.mean == pytest.approx(0.13)
    assert first.spread == pytest.approx(0.05**0.5 / 10)
    assert first.noise == pytest.approx((0.02**2 / 2 * 2 / 3) ** 0.5)  # differences 0, 2, 2 points of three pairs
    assert last.noise == pytest.approx((0.04**2 / 2 / 3) ** 0.5)
    assert (first.again, middle.again, last.again) == pytest.approx((0.5, 1.0, 1.0))
    assert (first.last, middle.last, last.last) == pytest.approx((0.8, 0.2, 1.0))
    assert last.test == pytest.approx(0.8)


def test_levels_are_those_that_are_asked_for(table):
    assert [level.epochs for level in show(table, (3,)).levels] == [3]


def test_what_a_table_does_not_tell_is_none(tmp_path):
    np.savez(tmp_path / "t.npz", arch=CELLS[:2], epochs=[4], validation_accuracy=[[30.0], [20.0]])
    found = show(tmp_path / "t.npz")
    (level,) = found.levels
    assert (level.noise, level.again, level.last, level.test, found.recipe) == (None, None, None, None, "")
