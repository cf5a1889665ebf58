"""supernet/methods/sgas.py: schedules and names."""

import pytest

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from supernet.methods.darts import darts
from supernet.methods.sgas import sgas
from tests.supernet_cases import tiny_darts, tiny_search


@pytest.mark.parametrize("name", ["sgas", "sgas_cri2", "sgas_pt"])
def test_they_decide_all_edges_of_both_spaces(name):
    for space in (None, tiny_darts()):
        search = tiny_search(get_method(name, epochs=2), space, images=16)
        while not search.ended:
            search.run_epoch()
        assert all(search.states.undecided(kind) == [] for kind in search.space.kinds)
        assert search.result() == search.states.cells()


@pytest.mark.parametrize(("epochs", "warm_up", "interval"), [(50, 9, 5), (25, 4, 2), (10, 2, 1), (1, 0, 1)])
def test_the_schedule_scales_with_the_epochs(epochs, warm_up, interval):
    (monitor,) = sgas(epochs).monitors
    assert (monitor.warm_up, monitor.interval) == (warm_up, interval)


def test_it_is_darts_until_the_first_decision():
    decided, plain = tiny_search(sgas(6, warm_up=2, interval=1)), tiny_search(darts(6))
    losses = [(decided.run_epoch().weights_loss, plain.run_epoch().weights_loss) for _ in range(4)]
    assert [ours == theirs for ours, theirs in losses] == [True, True, True, False]


def test_numbers_below_one_are_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        sgas(0)
    with pytest.raises(ConfigError, match="at least 1"):
        sgas(10, interval=0)
