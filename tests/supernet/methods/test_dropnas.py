"""supernet/methods/dropnas.py."""

from dataclasses import replace

import pytest

from supernet.alpha_optimisers import Adam
from supernet.methods import get_method
from tests.supernet_checks import goes_on_exactly, run, runs_and_differs, same


def test_it_runs_and_differs_from_single_level_darts():
    method = get_method("dropnas", epochs=2)
    runs_and_differs(method, get_method("dropnas", epochs=2, probability=0.0))
    runs_and_differs(method, get_method("single_darts", epochs=2))


def test_nothing_dropped_is_single_level_darts():
    method = get_method("dropnas", epochs=2, probability=0.0)
    plain = replace(get_method("single_darts", epochs=2), recipe=method.recipe, alpha_optimiser=Adam())
    assert same(run(method), run(plain))


def test_published_numbers():
    method = get_method("dropnas")
    recipe = method.recipe
    assert (method.epochs, recipe.batch, recipe.lr, recipe.lr_last, recipe.clip) == (76, 96, 0.0375, 0.0015, 3.0)
    assert method.relaxation.probability == pytest.approx(0.074, abs=1e-3)


def test_it_goes_on_exactly():
    goes_on_exactly(get_method("dropnas", epochs=2))
