"""The methods of a comparison: only their budget ends them, and all that they take is charged."""

import sys
from pathlib import Path

import pytest

from ranknosh.config.search import ALWAYS
from ranknosh.core.records import Failed, Observed, Scored
from ranknosh.core.seeding import draw
from ranknosh.errors import BudgetTooSmall, ConfigError, StoreError
from ranknosh.predictors.rivals import PROPOSALS
from ranknosh.runs.events import Epoch, Recorded
from ranknosh.runs.session import StopRequest
from ranknosh.spaces import ModuleSpace
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.parameters import choice
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.methods import (
    NoshSearch,
    PlayedSearch,
    SupernetMethod,
    check_budget,
    check_supernets,
    make_methods,
)
from ranknosh.workflows.search.rivals import BATCH, SHARED
from ranknosh.workflows.search.run import SearchRun
from tests.module_nets import Deep
from tests.ranknosh.workflows.compare.compare_samples import Clock, Heard, searched_by
from tests.ranknosh.workflows.supernet.supernet_samples import Clock as ClockOfBatches

RANDOM = PlayedSearch("random", SHARED["random"])
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
    assert [tested.metrics for tested in SearchRun.read(searched[1]).pool.tested] == [{}]


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
    ("method", "words"), [(NoshSearch(), "of 1 epoch, .*0.1 s went into"), (RANDOM, "of 2 epochs.*; raise")]
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
        searched_by(RANDOM, parts, 4, folder, BUDGET)


@pytest.fixture(scope="module")
def at_random(parts, tmp_path_factory):
    """A random search with a budget of four trainings of two epochs."""
    folder = tmp_path_factory.mktemp("random") / "seed-3"
    with pytest.MonkeyPatch.context() as patches:
        Clock(patches)
        return searched_by(RANDOM, parts, 3, folder, BUDGET), folder


def test_random_search_takes_the_best_of_full_trainings_of_the_draw(at_random, parts):
    outcome, folder = at_random
    pool = SearchRun.read(folder).pool
    trained = [candidate for candidate in pool.candidates.values() if candidate.level]
    assert [candidate.architecture for candidate in trained] == draw(parts.recipe.space, 4, 3)
    assert {candidate.epochs for candidate in trained} == {2}
    assert outcome.architecture == max(trained, key=lambda candidate: candidate.metric).architecture
    assert (outcome.epochs, outcome.epochs_of, outcome.evaluations) == (8, "candidates", 4)


def test_random_search_pays_for_its_trainings_alone_and_ends_with_its_budget(at_random):
    outcome, folder = at_random
    assert outcome.cost.total == pytest.approx(SearchRun.read(folder).seconds)
    assert outcome.cost.training == outcome.cost.total == BUDGET
    assert outcome.ended.startswith("budget.time is reached")


def test_candidates_after_the_first_batch_are_random_too(parts, clock, tmp_path):
    outcome = searched_by(RANDOM, parts, 3, tmp_path / "seed-3", 2.0 * (BATCH + 2))
    pool = SearchRun.read(tmp_path / "seed-3").pool
    assert outcome.evaluations == BATCH + 2
    assert {candidate.origin for candidate in pool.candidates.values()} == {"random"}
    assert outcome.cost.predictor == 0
    assert len({candidate.key for candidate in pool.candidates.values()}) == pool.count


def test_a_training_that_the_budget_cuts_short_is_not_judged(parts, clock, tmp_path):
    outcome = searched_by(RANDOM, parts, 3, tmp_path / "seed-3", 2.5)
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
        searched_by(RANDOM, parts, 3, folder, 60.0, stopping, stop)
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
    assert parts.recipe.space.format(outcome.architecture) == state.result.text
    assert (outcome.epochs, outcome.epochs_of, outcome.evaluations) == (len(state.epochs), "supernet", 0)
    assert outcome.cost.supernet == pytest.approx(state.result.device_seconds)
    assert outcome.cost.total == pytest.approx(state.result.wall_seconds - state.result.lost_seconds)


def test_a_supernet_has_the_network_and_the_split_of_the_comparison(darts, parts):
    run, task = open_run(darts[1]), parts.recipe
    assert (run.settings.seed, run.settings.split_seed) == (1, 5)
    assert run.settings.space.make() == task.space
    images = run.header.data["examples"]
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
    with pytest.raises(ConfigError, match=rf"known are ranknosh, random, .*pc_darts.*; did you mean {near}\?"):
        make_methods([name], NasBench201())


def test_a_space_that_supernets_do_not_know_is_refused(parts):
    flat = FlatSpace({"rate": choice([1, 2])})
    assert list(make_methods(["ranknosh"], flat)) == ["ranknosh"]
    methods = make_methods(["ranknosh", "darts"], flat)
    with pytest.raises(ConfigError, match=r"the method darts trains a supernet: flat has no supernet.*take it out"):
        check_supernets(methods, flat, parts.recipe.task)
    check_supernets(methods, NasBench201(), parts.recipe.task)


@pytest.mark.parametrize(
    ("name", "space", "reason"),
    [
        ("dots", NasBench201(4, 1), "DOTS cannot search nasbench201: the groups do not hold nor_conv_1x1"),
        ("pc_darts", ModuleSpace(Deep), "a module of your own has one width"),
    ],
)
def test_what_a_supernet_method_cannot_search_is_refused(parts, name, space, reason):
    methods = make_methods(["random", name], space)
    with pytest.raises(ConfigError, match=f"the method {name} trains a supernet: .*{reason}.*take it out of methods"):
        check_supernets(methods, space, parts.recipe.task)


RIVALS = """
from supernet.methods import get_method
from ranknosh.workflows.compare.methods import NoshSearch

def evolve(space, results, rng):
    if len(results) < 2:
        return space.sample(rng)
    best = max(results, key=lambda result: result.metric)
    return space.mutate(best.architecture, rng)

def shared(epochs=5):
    return get_method("darts", epochs=epochs)

def nothing(epochs=5):
    return 3

def no_results(space, rng):
    return space.sample(rng)

def fails(space, results, rng):
    raise OSError("no licence")

class Mine(NoshSearch):
    name = "another name"

number = 3
"""


@pytest.fixture
def rivals(tmp_path, monkeypatch):
    (tmp_path / "rivals_of_a_test.py").write_text(RIVALS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "rivals_of_a_test"
    sys.modules.pop("rivals_of_a_test", None)


@pytest.mark.parametrize(("name", "kind"), [("evolve", PlayedSearch), ("shared", SupernetMethod), ("Mine", NoshSearch)])
def test_a_function_of_results_one_of_epochs_and_a_class_are_methods(rivals, name, kind):
    (made,) = make_methods([f"{rivals}:{name}"], NasBench201()).values()
    assert isinstance(made, kind)
    assert made.name == f"{rivals}:{name}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("number", "is no search method; give a function of"),
        ("nothing", "gave int, no supernet method"),
        ("no_results", "is no search method; give a function of"),
        ("fails", "raised with 0 results: OSError: no licence"),
        ("evlove", "unknown name 'evlove'.*did you mean evolve"),
    ],
)
def test_what_is_no_method_is_refused(rivals, name, message):
    with pytest.raises(ConfigError, match=message):
        make_methods([f"{rivals}:{name}"], NasBench201())


def test_a_rival_of_the_users_own_trains_fully_what_its_function_proposes(rivals, parts, clock, tmp_path):
    (made,) = make_methods([f"{rivals}:evolve"], NasBench201()).values()
    outcome = searched_by(made, parts, 3, tmp_path / "seed-3", BUDGET)
    pool = SearchRun.read(tmp_path / "seed-3").pool
    trained = [candidate for candidate in pool.candidates.values() if candidate.level]
    assert {candidate.epochs for candidate in trained} == {2}
    assert {candidate.origin for candidate in trained} == {"user"}
    best = max(trained[:2], key=lambda candidate: candidate.metric)
    assert trained[2].architecture in NasBench201().neighbours(best.architecture)
    assert (outcome.method, outcome.evaluations, outcome.cost.training) == (f"{rivals}:evolve", 4, BUDGET)
    assert outcome.folder == Path("rivals_of_a_test.evolve/seed-3")


def test_methods_carry_their_names():
    made = make_methods(["darts", "ranknosh", "random"], NasBench201())
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


@pytest.mark.parametrize("name", list(PROPOSALS))
def test_published_rivals_are_searches_of_the_engine(name, parts, clock, tmp_path):
    """Full trainings of 2 s each, proposed one by one; cut in the middle they go on to the same candidates."""
    (made,) = make_methods([name], NasBench201()).values()
    assert isinstance(made, PlayedSearch)
    outcome = searched_by(made, parts, 3, tmp_path / "seed-3", BUDGET)
    run = SearchRun.read(tmp_path / "seed-3")
    assert (outcome.method, outcome.evaluations, outcome.cost.total) == (name, 4, BUDGET)
    assert run.settings.propose.function == PROPOSALS[name]
    lines = (tmp_path / "seed-3" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if b'"observed"' in line)
    (tmp_path / "cut" / "seed-3").mkdir(parents=True)
    (tmp_path / "cut" / "seed-3" / "journal.jsonl").write_bytes(b"".join(lines[: first + 1]))
    searched_by(made, parts, 3, tmp_path / "cut" / "seed-3", BUDGET)
    again, whole = (SearchRun.read(folder).pool for folder in (tmp_path / "cut" / "seed-3", tmp_path / "seed-3"))
    known = [[one.text for one in pool.candidates.values() if one.level] for pool in (again, whole)]
    assert known[0] == known[1]


def test_local_search_trains_neighbours_of_the_best(parts, clock, tmp_path):
    (made,) = make_methods(["local_search"], NasBench201()).values()
    searched_by(made, parts, 3, tmp_path / "seed-3", BUDGET)
    trained = [one for one in SearchRun.read(tmp_path / "seed-3").pool.candidates.values() if one.level]
    for place in range(1, len(trained)):
        best = max(trained[:place], key=lambda one: one.metric)
        assert trained[place].architecture in NasBench201().neighbours(best.architecture)


def test_asha_promotes_by_the_rungs_of_the_comparison(parts, clock, tmp_path):
    """Epochs 1 and 2: η is 2, so that of every two at the first rung the better one goes on at once."""
    (made,) = make_methods(["asha"], NasBench201()).values()
    outcome = searched_by(made, parts, 3, tmp_path / "seed-3", 12.0)
    run = SearchRun.read(tmp_path / "seed-3")
    assert (run.settings.pyramid.schedule, run.settings.pyramid.ratio) == ("eager", (0.5,))
    seen = [(one.candidate_id, one.level) for one in run.history.records if isinstance(one, Observed)]
    metrics = {
        one.candidate_id: one.metric for one in run.history.records if isinstance(one, Observed) and one.level == 1
    }
    assert seen[:2] == [(0, 1), (1, 1)]
    assert seen[2] == (max((0, 1), key=metrics.__getitem__), 2)
    assert [level for _, level in seen[:6]] == [1, 1, 2, 1, 1, 2]
    assert {one.origin for one in run.pool.candidates.values()} == {"random"}
    assert outcome.cost.total == 12.0


def test_hyperband_has_brackets_of_the_levels_of_the_comparison(parts, clock, tmp_path):
    """Epochs 1 and 2: two at the first rung of which one goes on (3 s), then two full trainings (4 s), and so on."""
    (made,) = make_methods(["hyperband"], NasBench201()).values()
    outcome = searched_by(made, parts, 3, tmp_path / "seed-3", 14.0)
    run = SearchRun.read(tmp_path / "seed-3")
    seen = [(one.candidate_id, one.level) for one in run.history.records if isinstance(one, Observed)]
    metrics = {
        one.candidate_id: one.metric for one in run.history.records if isinstance(one, Observed) and one.level == 1
    }
    assert [level for _, level in seen] == [1, 1, 2, 1, 1, 2, 2] * 2
    assert seen[2][0] == max((0, 1), key=metrics.__getitem__)
    assert {number for number, _ in seen[5:7]} == {2, 3}
    assert {one.origin for one in run.pool.candidates.values()} == {"random"}
    assert outcome.cost.total == 14.0
    assert made.settings(parts.config.replace(["budget.device_time=9s"]), 1) != RANDOM.settings(
        parts.config.replace(["budget.device_time=9s"]), 1
    )
