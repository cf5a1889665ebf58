"""A supernet in a comparison, and the names of all methods."""

import pytest

from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.workflows.compare.catalog import checked, known_methods, make_methods
from ranknosh.workflows.compare.supernet_search import SupernetMethod
from ranknosh.workflows.supernet.journal import read_record


@pytest.fixture(scope="module")
def searched(problem, tmp_path_factory):
    folder = tmp_path_factory.mktemp("darts") / "seed-1"

    class Silent:
        def on_spent(self, seconds, text): ...

        def on_message(self, text): ...

    return SupernetMethod("darts", 5).search(problem.for_search(), 4.0, 1, folder, Silent()), folder


def test_a_cell_of_the_space_is_found_and_paid_for(searched, problem):
    outcome, folder = searched
    record = read_record(folder)
    assert problem.space.format(outcome.architecture) == record.result.text
    assert (outcome.epochs, outcome.epochs_of, outcome.evaluations) == (len(record.epochs), "supernet", 0)
    assert outcome.cost.supernet == pytest.approx(record.result.device_seconds)
    assert outcome.cost.total == pytest.approx(record.result.wall_seconds - record.result.lost_seconds)


def test_it_has_the_network_and_the_split_of_the_comparison(searched, problem):
    settings = read_record(searched[1]).header
    assert (settings["config"]["seed"], settings["config"]["split_seed"]) == (1, 5)
    assert settings["network"]["channels"] == problem.size.channels
    assert settings["network"]["cells"] == problem.size.cells
    images = settings["data"]["images"]
    assert images["weights"] + images["alphas"] == len(problem.data.train)


def test_a_search_that_ended_is_read_again(searched, problem, heard):
    outcome, folder = searched
    assert SupernetMethod("darts", 5).search(problem.for_search(), 4.0, 1, folder, heard) == outcome


def test_a_budget_without_an_epoch_is_too_small(problem, heard, tmp_path):
    with pytest.raises(BudgetTooSmall):
        SupernetMethod("darts", 5).search(problem.for_search(), 0.001, 1, tmp_path / "seed-1", heard)


def test_random_search_is_always_in_once():
    assert checked(["ranknosh", "darts", "ranknosh"], "nasbench201") == ("ranknosh", "darts", "random")
    assert checked(["random", "ranknosh"], "nasbench201") == ("random", "ranknosh")


@pytest.mark.parametrize(
    ("name", "near"), [("ranknsoh", "ranknosh"), ("darts-minus", "darts_minus"), ("Random", "random")]
)
def test_an_unknown_method_is_told_with_the_nearest_and_the_list(name, near):
    with pytest.raises(ConfigError, match=f"did you mean '{near}'") as told:
        checked([name], "nasbench201")
    assert all(known in str(told.value) for known in known_methods())


def test_a_space_that_supernets_do_not_know_is_refused():
    assert checked(["ranknosh"], "my_space") == ("ranknosh", "random")
    with pytest.raises(ConfigError, match="my_space"):
        checked(["darts"], "my_space")


def test_methods_carry_their_names(config):
    assert [method.name for method in make_methods(["darts", "ranknosh"], config)] == ["darts", "ranknosh", "random"]
