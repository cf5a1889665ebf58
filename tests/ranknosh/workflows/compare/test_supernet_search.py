"""A supernet in a comparison, and the names of all methods."""

import pytest

from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.runs.events import Recorded
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.catalog import checked, known_methods, make_methods
from ranknosh.workflows.compare.supernet_search import SupernetMethod
from tests.ranknosh.workflows.compare.compare_samples import Heard
from tests.ranknosh.workflows.supernet.supernet_samples import Clock


@pytest.fixture(scope="module")
def listener():
    return Heard()


@pytest.fixture(scope="module")
def searched(problem, tmp_path_factory, listener):
    folder = tmp_path_factory.mktemp("darts") / "seed-1"
    with pytest.MonkeyPatch.context() as patch:
        Clock(patch, rate=0.001)  # a budget of 100 batches, however fast they are
        return SupernetMethod("darts", 5).search(problem.for_search(), 0.1, 1, folder, listener, StopRequest()), folder


def test_what_was_spent_is_reported(searched, listener):
    """From the timing of steps over the epochs, with the seconds of the run."""
    state = open_run(searched[1]).state
    found = [(event.task, event.done, event.total) for event in listener.progress]
    assert ("timing a few steps", 0, 1) in found
    assert ("epochs", 0, state.plans[-1].epochs) in found
    assert ("epochs", state.result.epochs, state.plans[-1].epochs) in found
    seconds = [event.seconds for event in listener.events if isinstance(event, Recorded)]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 0


def test_a_cell_of_the_space_is_found_and_paid_for(searched, problem):
    outcome, folder = searched
    state = open_run(folder).state
    assert problem.space.format(outcome.architecture) == state.result.text
    assert (outcome.epochs, outcome.epochs_of, outcome.evaluations) == (len(state.epochs), "supernet", 0)
    assert outcome.cost.supernet == pytest.approx(state.result.device_seconds)
    assert outcome.cost.total == pytest.approx(state.result.wall_seconds - state.result.lost_seconds)


def test_it_has_the_network_and_the_split_of_the_comparison(searched, problem):
    run = open_run(searched[1])
    assert (run.settings.seed, run.settings.split_seed) == (1, 5)
    assert run.header.facts["network"]["channels"] == problem.size.channels
    assert run.header.facts["network"]["cells"] == problem.size.cells
    images = run.header.data["images"]
    assert images["weights"] + images["alphas"] == len(problem.data.train)


def test_a_search_that_ended_is_read_again(searched, problem, heard):
    outcome, folder = searched
    assert SupernetMethod("darts", 5).search(problem.for_search(), 0.1, 1, folder, heard, StopRequest()) == outcome


def test_a_budget_without_an_epoch_is_too_small(problem, heard, tmp_path):
    with pytest.raises(BudgetTooSmall):
        SupernetMethod("darts", 5).search(problem.for_search(), 0.001, 1, tmp_path / "seed-1", heard, StopRequest())


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
