"""supernet/diagnostics/trajectories.py by hand."""

import math

import pytest

from supernet.diagnostics.trajectories import entropies


def test_entropies():
    found = entropies([[0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0] * 4, [0.9, 0.9, 0.0, 0.0]])
    assert found == pytest.approx([math.log(4), 0.0, math.log(2), 0.0, math.log(2)])
