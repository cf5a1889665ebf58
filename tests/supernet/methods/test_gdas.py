"""supernet/methods/gdas.py."""

import pytest

from supernet.methods import get_method
from tests.supernet_cases import tiny_search
from tests.supernet_checks import goes_on_exactly, run, runs_and_differs, same


def test_it_runs_and_differs_from_darts():
    runs_and_differs(get_method("gdas", epochs=2), get_method("darts", epochs=2))


def test_exact_gradients_lead_elsewhere():
    assert not same(run(get_method("gdas", epochs=2)), run(get_method("gdas", epochs=2, compat=False)))


def test_steps_of_the_two_levels_are_drawn_apart():
    search = tiny_search(get_method("gdas", epochs=2))
    drawn = {search.mix(phase).executed["normal"] for phase in ("weights", "alphas") for _ in range(4)}
    assert len(drawn) > 1


def test_published_numbers():
    method = get_method("gdas")
    assert (method.epochs, method.recipe.nesterov, method.recipe.weight_decay) == (250, True, 5e-4)
    assert [method.relaxation.temperature(t, 250) for t in (0, 249)] == pytest.approx([10.0, 0.1])


def test_it_goes_on_exactly():
    goes_on_exactly(get_method("gdas", epochs=2))
