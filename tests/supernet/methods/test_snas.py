"""supernet/methods/snas.py."""

import pytest

from supernet.methods import get_method
from tests.supernet_checks import goes_on_exactly, run, runs_and_differs, same


def test_it_runs_and_differs_from_single_level_darts():
    runs_and_differs(get_method("snas", epochs=2), get_method("single_darts", epochs=2))
    runs_and_differs(get_method("snas", epochs=2, bilevel=True), get_method("darts", epochs=2))


def test_published_numbers():
    method, bilevel = get_method("snas"), get_method("snas", epochs=100, bilevel=True)
    assert (method.epochs, method.recipe.batch, method.update.split) == (150, 64, "all")
    assert [bilevel.relaxation.temperature(t, 100) for t in (0, 99)] == pytest.approx([10.0, 1.0])
    assert bilevel.update.split == "halves"


def test_both_levels_lead_elsewhere():
    assert not same(run(get_method("snas", epochs=2)), run(get_method("snas", epochs=2, bilevel=True)))


def test_it_goes_on_exactly():
    goes_on_exactly(get_method("snas", epochs=2))
