"""The methods of a comparison: only their budget ends them, and all that they take is charged."""

import pytest

from ranknosh.config.search import ALWAYS
from ranknosh.core.records import Failed, Observed, Scored
from ranknosh.core.seeding import draw
from ranknosh.errors import BudgetTooSmall, ConfigError, StoreError
from ranknosh.runs.events import Epoch, Recorded
from ranknosh.runs.session import StopRequest
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.methods import (
    BATCH,
    NoshSearch,
    RandomSearch,
    SupernetMethod,
    check_budget,
    make_methods,
)
from ranknosh.workflows.search.run import SearchRun
from tests.ranknosh.workflows.compare.compare_samples import Clock, Heard, searched_by
from tests.ranknosh.workflows.supernet.supernet_samples import Clock as ClockOfBatches

BUDGET = 8.0
"""Seconds of the clock that holds the scores of 6 networks and 7 epochs."""


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture(scope="module")
def searched(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nosh") / "seed-4"
    with pytest.MonkeyPatch.context() as patches:
        Clock(patches)
        return searched_by(NoshSearch(), parts, 4, folder, BUDGET), folder


def test_limits_of_candidates_and_epochs_do_not_end_it(searched, config):
    outcome, folder = searched
    run = SearchRun.read(folder)
    assert run.stop_reason == "wall_time"
    assert run.settings.seed == 4
    assert (run.settings.pyramid.candidates, run.settings.budget.epochs) == (None, None)
    assert run.settings.pyramid.epochs == config.pyramid.epochs
    assert outcome.architecture == run.best.architecture
    assert (outcome.epochs, outcome.epochs_of) == (run.pool.epochs_spent, "candidates")
    assert outcome.ended.startswith("budget.time is reached")


def test_proxies_predictor_and_training_are_inside_the_cost(searched):
    outcome, folder = searched
    history = SearchRun.read(folder).history
    scores = [record.seconds for record in history.records if isinstance(record, Scored)]
    trained = [record.seconds for record in history.records if isinstance(record, Observed)]
    failed = [record.seconds for record in history.records if isinstance(record, Failed)]
    assert scores == pytest.approx([0.1] * 6)
    assert outcome.cost.proxies == pytest.approx(sum(scores))
    assert outcome.cost.training >= sum(trained) > 0
    assert outcome.cost.failed == sum(failed)
    assert outcome.cost.total == pytest.approx(history.seconds - SearchRun.read(folder).pool.test_seconds)
    assert BUDGET <= outcome.cost.total <= BUDGET + 1


def test_the_test_split_is_not_read(searched):
    assert [tested.test_accuracy for tested in SearchRun.read(searched[1]).pool.tested] == [None]


def test_a_search_that_ended_is_read_again(searched, parts, heard):
    outcome, folder = searched
    before = (folder / "journal.jsonl").read_bytes()
    assert searched_by(NoshSearch(), parts, 4, folder, BUDGET, heard) == outcome
    assert (folder / "journal.jsonl").read_bytes() == before


def test_a_search_that_was_cut_off_keeps_its_results(searched, parts, clock, tmp_path):
    lines = (searched[1] / "journal.jsonl").read_bytes().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if b'"observed"' in line)
    kept = b"".join(lines[: first + 1])
    cut = tmp_path / "seed-4"
    cut.mkdir()
    (cut / "journal.jsonl").write_bytes(kept)
    outcome = searched_by(NoshSearch(), parts, 4, cut, BUDGET)
    assert (cut / "journal.jsonl").read_bytes().startswith(kept)
    assert outcome.ended.startswith("budget.time is reached")


@pytest.mark.parametrize(
    ("method", "words"), [(NoshSearch(), "of 1 epochs.*0.1 s went into"), (RandomSearch(), "of 2 epochs.*; raise")]
)
def test_a_budget_without_a_result_is_too_small(parts, clock, tmp_path, method, words):
    with pytest.raises(BudgetTooSmall, match=words):
        searched_by(method, parts, 0, tmp_path / "seed-0", 0.01)


@pytest.mark.parametrize("other", [{"seed": 5}, {"owner": "c-2"}])
def test_a_folder_that_was_swapped_for_another_search_is_refused(searched, parts, heard, other):
    """One of another seed, and one of another comparison with the same settings."""
    folder = searched[1]
    with pytest.raises(StoreError, match=r"holds another run.*move this one away"):
        searched_by(NoshSearch(), parts, **{"seed": 4, "folder": folder, "budget": BUDGET, **other})
    with pytest.raises(StoreError, match="another run"):
        searched_by(RandomSearch(), parts, 4, folder, BUDGET)


@pytest.fixture(scope="module")
def at_random(parts, tmp_path_factory):
    """A random search with a budget of four trainings of two epochs."""
    folder = tmp_path_factory.mktemp("random") / "seed-3"
    with pytest.MonkeyPatch.context() as patches:
        Clock(patches)
        return searched_by(RandomSearch(), parts, 3, folder, BUDGET), folder


def test_random_search_takes_the_best_of_full_trainings_of_the_draw(at_random, parts):
    outcome, folder = at_random
    pool = SearchRun.read(folder).pool
    trained = [candidate for candidate in pool.candidates.values() if candidate.level]
    assert [candidate.architecture for candidate in trained] == draw(parts.space, 4, 3)
    assert {candidate.epochs for candidate in trained} == {2}
    assert outcome.architecture == max(trained, key=lambda candidate: candidate.metric).architecture
    assert (outcome.epochs, outcome.epochs_of, outcome.evaluations) == (8, "candidates", 4)


def test_random_search_pays_for_its_trainings_alone_and_ends_with_its_budget(at_random):
    outcome, folder = at_random
    assert outcome.cost.total == pytest.approx(SearchRun.read(folder).seconds)
    assert outcome.cost.training == outcome.cost.total == BUDGET
    assert outcome.ended.startswith("budget.time is reached")


def test_candidates_after_the_first_batch_are_random_too(parts, clock, tmp_path):
    outcome = searched_by(RandomSearch(), parts, 3, tmp_path / "seed-3", 2.0 * (BATCH + 2))
    pool = SearchRun.read(tmp_path / "seed-3").pool
    assert outcome.evaluations == BATCH + 2
    assert {candidate.origin for candidate in pool.candidates.values()} == {"random"}
    assert outcome.cost.predictor == 0
    assert len({candidate.key for candidate in pool.candidates.values()}) == pool.count


def test_a_training_that_the_budget_cuts_short_is_not_judged(parts, clock, tmp_path):
    outcome = searched_by(RandomSearch(), parts, 3, tmp_path / "seed-3", 2.5)
    assert (outcome.epochs, outcome.evaluations, outcome.cost.total) == (3, 1, 3.0)


def test_a_stop_is_taken_from_the_request_that_is_given(parts, tmp_path):
    """In a folder in which a run was about to begin before."""
    folder, stop = tmp_path / "seed-3", StopRequest()
    folder.mkdir()
    (folder / ".journal.jsonl.new").write_text('{"n": 1, "ty')

    def stopping(event):
        if isinstance(event, Epoch):
            stop.request()

    with pytest.raises(KeyboardInterrupt):
        searched_by(RandomSearch(), parts, 3, folder, 60.0, stopping, stop)
    assert not SearchRun.read(folder).ended


@pytest.fixture(scope="module")
def listener():
    return Heard()


@pytest.fixture(scope="module")
def darts(parts, tmp_path_factory, listener):
    folder = tmp_path_factory.mktemp("darts") / "seed-1"
    with pytest.MonkeyPatch.context() as patches:
        ClockOfBatches(patches, rate=0.001)  # a budget of 100 batches, however fast they are
        return searched_by(SupernetMethod("darts"), parts, 1, folder, 0.1, listener), folder


def test_what_a_supernet_spends_is_reported(darts, listener):
    """From the timing of steps over the epochs, with the seconds of the run."""
    state = open_run(darts[1]).state
    found = [(event.task, event.done, event.total) for event in listener.progress]
    assert ("timing a few steps", 0, 1) in found
    assert ("epochs", 0, state.plans[-1].epochs) in found
    assert ("epochs", state.result.epochs, state.plans[-1].epochs) in found
    seconds = [event.seconds for event in listener.events if isinstance(event, Recorded)]
    assert seconds == sorted(seconds)
    assert seconds[-1] > 0


def test_a_cell_of_the_space_is_found_and_paid_for(darts, parts):
    outcome, folder = darts
    state = open_run(folder).state
    assert parts.space.format(outcome.architecture) == state.result.text
    assert (outcome.epochs, outcome.epochs_of, outcome.evaluations) == (len(state.epochs), "supernet", 0)
    assert outcome.cost.supernet == pytest.approx(state.result.device_seconds)
    assert outcome.cost.total == pytest.approx(state.result.wall_seconds - state.result.lost_seconds)


def test_a_supernet_has_the_network_and_the_split_of_the_comparison(darts, parts):
    run, task = open_run(darts[1]), parts.task
    assert (run.settings.seed, run.settings.split_seed) == (1, 5)
    assert run.header.facts["network"]["channels"] == task.size.channels
    assert run.header.facts["network"]["cells"] == task.size.cells
    images = run.header.data["images"]
    assert images["weights"] + images["alphas"] == len(task.data.train)


def test_a_supernet_that_ended_is_read_again(darts, parts):
    outcome, folder = darts
    assert searched_by(SupernetMethod("darts"), parts, 1, folder, 0.1) == outcome


def test_a_budget_without_an_epoch_of_a_supernet_is_too_small(parts, tmp_path):
    with pytest.raises(BudgetTooSmall):
        searched_by(SupernetMethod("darts"), parts, 1, tmp_path / "seed-1", 0.001)


def test_random_search_is_always_in_once(wanted):
    assert wanted("ranknosh", "darts", "ranknosh").methods == ("ranknosh", "darts", ALWAYS)
    assert wanted(ALWAYS, "ranknosh").methods == (ALWAYS, "ranknosh")


@pytest.mark.parametrize(
    ("name", "near"), [("ranknsoh", "ranknosh"), ("darts-minus", "darts_minus"), ("Random", "random")]
)
def test_an_unknown_method_is_named_with_the_nearest_and_the_list(name, near):
    with pytest.raises(ConfigError, match=rf"did you mean {near}\? Known are ranknosh, random, .*pc_darts"):
        make_methods([name], "nasbench201")


def test_a_space_that_supernets_do_not_know_is_refused():
    assert list(make_methods(["ranknosh"], "my_space")) == ["ranknosh"]
    with pytest.raises(ConfigError, match="my_space"):
        make_methods(["darts"], "my_space")


def test_methods_carry_their_names():
    made = make_methods(["darts", "ranknosh", "random"], "nasbench201")
    assert list(made) == [method.name for method in made.values()] == ["darts", "ranknosh", "random"]


@pytest.mark.parametrize(
    ("methods", "seconds", "word"),
    [
        (["random"], 1.9, "one training of 2 epochs, the top level, takes about 2.0 s.*--budget 21s"),
        (["random"], 2.1, None),
        (["ranknosh"], 12.9, "train-free scores of 6 architectures alone take about 12 s"),
        (["ranknosh"], 13.1, None),
        (["random"], 12.9, None),
    ],
)
def test_a_budget_has_to_hold_a_training_and_proxy_scoring(wanted, methods, seconds, word):
    """2 epochs are 2 s; 6 scores and 1 epoch are 13 s."""
    settings = wanted(*methods, budget={"device_time": f"{seconds}s"})
    if word is None:
        check_budget(settings, epoch_seconds=1.0, proxy_seconds=2.0)
    else:
        with pytest.raises(BudgetTooSmall, match=word):
            check_budget(settings, epoch_seconds=1.0, proxy_seconds=2.0)
