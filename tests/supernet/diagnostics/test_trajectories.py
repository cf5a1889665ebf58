"""supernet/diagnostics/trajectories.py by hand."""

import math

import pytest

from supernet.diagnostics.trajectories import agreement, drift, entropies, margins, skip_counts
from tests.supernet_cases import tiny_darts, tiny_nasbench201


def test_entropies():
    found = entropies([[0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0] * 4, [0.9, 0.9, 0.0, 0.0]])
    assert found == pytest.approx([math.log(4), 0.0, math.log(2), 0.0, math.log(2)])


def test_margins():
    assert margins([[0.2, 0.7, 0.1], [1.0]]) == pytest.approx([0.5, 1.0])


def test_skips_of_every_kind():
    space, _ = tiny_darts()
    skip = space.candidates["normal"][0].index("skip_connect")
    cells = {"normal": (skip, skip, None, 4, 4), "reduce": (skip, 4, 4, None, 4)}
    assert skip_counts(space, cells) == {"normal": 2, "reduce": 1}
    assert skip_counts(tiny_nasbench201()[0], {"normal": (1, 1, 1, 0, 3, 1)}) == {"normal": 4}


def test_agreement_by_ranks():
    found = agreement(
        [[1, 2, 3, 4], [4, 3, 2, 1], [1, 1, 1, 1]], [[0.1, 0.2, 0.3, 9.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]
    )
    assert found.edges == pytest.approx([1.0, -1.0, None])
    assert found.mean == pytest.approx(0.0)
    # By hand: d = (0, 1, 1) of three ranks, 1 - 6 * 2 / (3 * 8).
    assert agreement([[1, 2, 3]], [[1, 3, 2]]).mean == pytest.approx(0.5)
    assert agreement([[1, 2]], [[1, 2]]).mean is None


def test_drift_counts_edges():
    assert drift({"normal": [1, None, 2]}, {"normal": (1, 2, 3)}) == 2
