"""Methods times seeds: everything once, kept over interruptions, under the settings the comparison began with."""

import dataclasses
import json
import shutil
from unittest.mock import Mock

import pytest

from ranknosh.core.records import Job
from ranknosh.core.seeding import draw
from ranknosh.errors import BudgetTooSmall, ConfigError, DataError, StoreError, StoreFull
from ranknosh.runs.events import Progress
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate, trained_network
from ranknosh.training.rung import train_rung
from ranknosh.workflows import open_run
from ranknosh.workflows.compare import page
from ranknosh.workflows.compare import run as compare_run
from ranknosh.workflows.compare.run import CompareRun
from tests.ranknosh.workflows.compare.compare_samples import Clock

JOURNAL = "journal.jsonl"


@pytest.fixture(autouse=True)
def _quick_page(monkeypatch):
    monkeypatch.setattr(page, "render", lambda run, settings, rows: f"{len(rows)} methods")


@pytest.fixture
def compare(parts, wanted, heard, tmp_path, monkeypatch):
    """Runs a comparison of two seeds in one folder, or resumes it; gives back the run."""

    def call(*methods, home="c", changes=(), data=None, events=heard, stop=None, **settings):
        folder = tmp_path / home
        given = {"data": data or parts.recipe.data, "events": events, "stop": stop}
        known = {method.name: method for method in methods}
        monkeypatch.setattr(compare_run, "make_methods", lambda names, space: known)
        monkeypatch.setattr(compare_run, "measure", lambda *args, **named: Mock(typical=0.0, proxy_seconds=0.0))
        if (folder / JOURNAL).exists():
            return open_run(folder).resume(changes, **given)
        asked = wanted(*known, **settings)
        return begin(CompareRun, asked, command="ranknosh compare", folder=folder, **given)

    return call


def figures(run):
    return [(row.method, one.search.seed, one.text, one.numbers) for row in run.rows for one in row.runs]


def test_every_seed_is_searched_once_without_test_images(compare, answering):
    first, second = answering("one", {5: 0, 6: 1}), answering("random", {5: 2, 6: 3})
    run = compare(first, second)
    assert first.asked == second.asked == [(5, 0), (6, 0)]
    assert list(run.state.searched) == [("one", 5), ("random", 5), ("one", 6), ("random", 6)]
    assert len(run.state.trained) == 4
    assert all(final.test is not None for final in run.state.trained.values())
    assert (run.ended, run.exit_code) == (True, 0)
    assert {path.name for path in run.folder.iterdir()} >= {"table.md", "results.json", "report.html"}


def test_one_that_ended_is_left_as_it_is(compare, answering):
    before = compare(answering("random", {5: 0, 6: 1}))
    data = (before.folder / JOURNAL).read_bytes()
    again = answering("random", {5: 0, 6: 1})
    assert compare(again).state == before.state
    assert again.asked == []
    assert (before.folder / JOURNAL).read_bytes() == data


@pytest.mark.parametrize("stop_at", [1, 2])
def test_an_interrupted_comparison_ends_in_the_same_table(compare, answering, tmp_path, stop_at):
    answers = ({5: 0, 6: 1}, {5: 2, 6: 3})
    whole = compare(answering("one", answers[0]), answering("random", answers[1]), home="whole")
    with pytest.raises(KeyboardInterrupt):
        compare(answering("one", answers[0]), answering("random", answers[1], stop_at=stop_at))
    kept = (tmp_path / "c" / JOURNAL).read_bytes()
    assert (tmp_path / "c" / "report.html").read_text() == f"{stop_at} methods"
    run = compare(answering("one", answers[0]), answering("random", answers[1]))
    assert (tmp_path / "c" / JOURNAL).read_bytes().startswith(kept)
    assert figures(run) == figures(whole)
    assert run.state.searched == whole.state.searched
    assert len(run.sessions) == 2


def test_a_stop_is_asked_of_the_search_that_runs_and_its_result_is_kept(compare, answering):
    with pytest.raises(KeyboardInterrupt):
        compare(answering("random", {5: 0, 6: 1}, asks=True))
    again = answering("random", {5: 0, 6: 1})
    assert len(compare(again).state.searched) == 2
    assert [seed for seed, _ in again.asked] == [6]


def test_one_function_found_twice_is_trained_once(compare, answering):
    run = compare(answering("one", {5: 0, 6: 1}), answering("random", {5: 0, 6: 2}))
    assert len(run.state.trained) == 3
    found = {(row.method, one.search.seed): one for row in run.rows for one in row.runs}
    assert [found[pair].shared for pair in run.settings.pairs] == [("random",), ("one",), (), ()]
    assert found["one", 5].final == found["random", 5].final


def test_a_final_training_is_one_by_hand_with_the_settings_and_the_seed(compare, answering, parts, tmp_path):
    run = compare(answering("random", {5: 1, 6: 1}), final_epochs=3)
    (first,), (second,) = ([f for (_, s), f in run.state.trained.items() if s == seed] for seed in (5, 6))
    task = dataclasses.replace(parts.recipe, settings=parts.recipe.settings.model_copy(update={"total_epochs": 3}))
    store = CheckpointStore(tmp_path / "by hand")
    train_rung(Job(0, draw(parts.recipe.space, 2, 0)[1], 1, 0, 3, torch_seed(5, "final")), task, store)
    network = trained_network(0, store, task.space)
    assert first.validation == evaluate(network, task.data.validation, task)["accuracy"]
    assert first.test == evaluate(network, task.data.test, task)["accuracy"]
    assert first.params == second.params == count_params(network)
    assert first.macs == count_macs(network, task.data.input_shape)
    assert (first.epochs, first.failed) == (3, None)
    assert second.validation != first.validation or second.test != first.test
    assert len({path.name for path in (run.folder / "final").iterdir()}) == 2


def test_an_interrupted_final_training_goes_on_to_the_same_numbers(compare, answering, heard, tmp_path):
    method = answering("random", {5: 1, 6: 2})
    whole, stop = compare(method, home="whole", final_epochs=3), StopRequest()

    def stopping(event):
        heard(event)
        if isinstance(event, Progress) and event.text.endswith("final training, epoch 1 of 3"):
            stop.request()

    with pytest.raises(KeyboardInterrupt):
        compare(method, events=stopping, stop=stop, final_epochs=3)
    assert not open_run(tmp_path / "c").state.trained
    assert figures(compare(method)) == figures(whole)


def test_a_final_training_that_diverges_is_a_result_without_numbers(compare, answering):
    run = compare(answering("random", {5: 0, 6: 1}), train={"lr": 1e9})
    assert (run.ended, run.exit_code) == (True, 5)
    for final in run.state.trained.values():
        assert (final.validation, final.test, final.params) == (None, None, None)
        assert final.failed.startswith("the training diverged")


def test_a_search_that_fails_is_charged_and_found_nothing(compare, answering, heard):
    run = compare(answering("broken", {}, error=BudgetTooSmall("too little of it")), answering("random", {5: 0, 6: 1}))
    outcome = run.state.searched["broken", 5]
    assert outcome.architecture is None
    assert outcome.cost.failed == outcome.cost.total
    assert "too little of it" in outcome.ended
    assert any(line.startswith("broken, seed 5: found nothing") for line in heard.lines)
    assert [row.method for row in run.rows] == ["random", "broken"]
    assert run.exit_code == 0


def test_nothing_found_at_all_has_an_exit_code_of_its_own(compare, answering):
    run = compare(answering("random", {}, error=BudgetTooSmall("too little of it")))
    assert (run.ended, run.exit_code) == (True, 5)


def test_a_search_that_was_swapped_ends_it_and_is_named(parts, wanted, heard, tmp_path, monkeypatch):
    """Two comparisons are interrupted, and the search of one is put in the place of the other's."""
    Clock(monkeypatch)
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        stop = StopRequest(lambda folder=folder: b"observed" in _bytes(folder / "random" / "seed-5" / JOURNAL))
        settings = wanted("random", seeds=1, budget={"device_time": "8s"})
        with pytest.raises(KeyboardInterrupt):
            begin(CompareRun, settings, command="", stop=stop, folder=folder, data=parts.recipe.data, events=heard)
    shutil.rmtree(folders[0] / "random")
    shutil.copytree(folders[1] / "random", folders[0] / "random")
    with pytest.raises(StoreError, match=r"a/random/seed-5 holds another run"):
        open_run(folders[0]).resume(data=parts.recipe.data)
    assert not open_run(folders[0]).state.searched
    assert open_run(folders[1]).resume(data=parts.recipe.data).ended


def _bytes(path):
    return path.read_bytes() if path.exists() else b""


def test_a_full_disk_ends_it(compare, answering):
    with pytest.raises(StoreFull):
        compare(answering("random", {}, error=StoreFull("the disk is full")))
    assert list(compare(answering("random", {5: 0, 6: 0})).state.searched) == [("random", 5), ("random", 6)]


def test_methods_and_seeds_may_be_added(compare, answering):
    compare(answering("random", {5: 0, 6: 1}))
    first, second = answering("random", {7: 2}), answering("two", {5: 0, 6: 1, 7: 3})
    run = compare(first, second, changes=["methods=[random, two]", "seeds=3"])
    assert [seed for seed, _ in first.asked] == [7]
    assert [seed for seed, _ in second.asked] == [5, 6, 7]
    assert len(run.sessions) == 2
    assert len(run.state.searched) == 6


def test_progress_tells_method_budget_and_time_left(compare, answering, heard):
    compare(answering("one", {5: 0, 6: 1}), answering("random", {5: 2, 6: 3}))
    first = heard.progress[0]
    assert (first.task, first.done, first.total) == ("comparison", 0, 4)
    assert first.text.startswith("one, seed 5: search, ")
    assert 180 < first.left <= 240
    spent = [event for event in heard.progress if event.text.endswith("epochs 7/9")]
    assert [event.done for event in spent] == [0, 1, 2, 3]
    assert spent[0].left == 180
    assert "1 min 00 s of 1 min 00 s" in spent[0].text
    assert spent[1].left > 120  # final trainings are expected to go on taking what they took
    assert any(event.text == "one, seed 5: final training, epoch 1 of 1" for event in heard.progress)
    assert heard.progress[-1].done == 4


def test_status_and_best_methods_are_plain_data(compare, answering):
    run = compare(answering("one", {5: 0, 6: 1}), answering("random", {5: 2, 6: 3}))
    now = json.loads(json.dumps(run.describe()))
    assert (now["searched"], now["searches"], now["final_trainings"], now["state"]) == (4, 4, 4, "finished")
    best = max(run.rows, key=lambda row: row.spread("validation").mean)
    assert now["best"]["method"] == best.method
    assert [row["method"] for row in run.top(5)] == [row.method for row in run.rows]
    assert run.waste(everything=False)
    assert all("final" in item.where and "checkpoints" in item.where for item in run.waste(everything=False))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"budget": {"device_time": "61s"}}, "budget.device_time was '1m'"),
        ({"final_epochs": 2}, "final_epochs was 1"),
        ({"methods": ["random"]}, "methods was"),
        ({"seeds": 1}, "seeds was 2"),
        ({"seed": 6}, "seed was 5"),
        ({"space": {"channels": 8}}, r"space\.c"),
        ({"pyramid": {"epochs": [1, 3]}}, r"pyramid\."),
        ({"train": {"lr": 0.2}}, r"train\.lr was 0\.1"),
    ],
)
def test_another_setting_is_refused_by_name(wanted, changes, field):
    began = wanted("one", "random")
    began.check_resume(wanted("one", "random"))
    with pytest.raises(ConfigError, match=field):
        began.check_resume(wanted("one", "random", **changes))


def test_where_it_lies_may_change(wanted):
    later = wanted("one", "random", name="other", out="elsewhere/", table="t.npz", train={"device": "cpu"})
    wanted("one", "random").check_resume(later)


def test_other_images_are_refused(compare, answering, parts):
    compare(answering("random", {5: 0, 6: 1}))
    data = dataclasses.replace(parts.recipe.data, name="others", classes=tuple(reversed(parts.recipe.data.classes)))
    with pytest.raises(DataError, match="others"):
        compare(answering("random", {7: 0}), changes=["seeds=3"], data=data)


def test_jobs_on_a_cluster_are_refused(compare, answering):
    with pytest.raises(ConfigError, match=r"executor\.name=inline"):
        compare(answering("random", {}), executor={"name": "ray"})
