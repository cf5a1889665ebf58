"""oneshot/api.py, sitting.py, runner.py: whole searches in folders."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from ranknosh.config.source import read_source
from ranknosh.data.table import Table
from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.supernet import checkpoint, resume_supernet, search_supernet
from ranknosh.workflows.supernet.api import start
from ranknosh.workflows.supernet.data import SupernetData
from ranknosh.workflows.supernet.journal import NAME, read_record
from ranknosh.workflows.supernet.reading import outcome_of
from ranknosh.workflows.supernet.runner import finite
from ranknosh.workflows.supernet.sitting import Watch
from supernet.search import SupernetSearch
from tests.ranknosh.workflows.supernet.oneshot_samples import Heard, own_method, search, tiny_images, tiny_parts
from tests.supernet_cases import triangle


def same(a, b):
    """Two outcomes but for times and places."""

    def bare(outcome):
        history = tuple(replace(report, seconds=0.0) for report in outcome.history)
        nothing = {"device_seconds": 0.0, "wall_seconds": 0.0, "peak_memory": {}, "folder": None}
        return replace(outcome, history=history, **nothing)

    return bare(a) == bare(b)


def test_a_search_is_the_bare_loop_in_a_folder(tmp_path):
    heard = Heard()
    outcome = search(tmp_path / "run", epochs=3, listener=heard)
    parts = tiny_parts(budget={"epochs": 3})
    bare = SupernetSearch(parts.make(3), parts.space, parts.size, SupernetData(parts.images), seed=0)
    reports = []
    with torch.random.fork_rng():
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        while not bare.ended:
            reports.append(bare.run_epoch())
        torch.set_num_threads(before)
    assert [r.theta for r in outcome.history] == [r.theta for r in reports]
    assert [r.weights_loss for r in outcome.history] == [r.weights_loss for r in reports]
    assert outcome.cells == bare.result()
    assert outcome.text == NasBench201().format(outcome.architecture)
    assert (outcome.epochs, outcome.planned_epochs, outcome.ended) == (3, 3, "all 3 epochs are done")
    assert outcome.device_seconds == pytest.approx(sum(r.seconds for r in outcome.history), abs=0.05)
    assert 0 < outcome.device_seconds <= outcome.wall_seconds
    assert outcome.peak_memory["process"] > 1e7
    assert [report.epoch for report in heard.reports] == [0, 1, 2]
    assert heard.steps == [(epoch, step, 2) for epoch in range(3) for step in (1, 2)]
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} >= {"config.yaml", NAME, checkpoint.NAME, "best"}
    assert (folder / "best" / "genotype.txt").read_text() == outcome.text + "\n"
    assert same(outcome_of(read_record(folder), folder), outcome)


def test_the_header_says_what_a_result_needs(tmp_path):
    search(tmp_path / "run", "ostr_darts", seed=3, split_seed=4)
    header = read_record(tmp_path / "run").header
    assert (header["kind"], header["space"], header["seed"]) == ("supernet", "nasbench201", 3)
    assert header["method"]["composition"].startswith("softmax | dense | first order")
    assert header["method"]["source"] == "OStr-DARTS, arXiv 2409.14433"
    assert header["method"]["recipe"]["batch"] == 8
    assert header["data"]["images"] == {"weights": 16, "alphas": 16}
    assert header["data"]["fingerprint"] == tiny_images().fingerprint
    assert "torch" in header["versions"]
    config = read_source(tmp_path / "run" / "config.yaml").data
    assert (config["split_seed"], config["budget"]["epochs"], config["data"]) == (4, 2, None)


def test_seeds_decide(tmp_path):
    first, again, other = (search(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert same(first, again)
    assert not same(first, other)


@pytest.mark.parametrize("method", ["darts", "ostr_darts"])
def test_a_stopped_search_goes_on_bit_for_bit(tmp_path, method):
    straight = search(tmp_path / "straight", method, epochs=4)
    heard = Heard(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "halved", method, epochs=4, listener=heard, stop=heard.stop)
    assert len(read_record(tmp_path / "halved").epochs) == 2
    assert (tmp_path / "halved" / "best" / "genotype.txt").read_text() == heard.reports[-1].text + "\n"
    resumed = resume_supernet(tmp_path / "halved", data=tiny_images(), report=False)
    assert same(straight, resumed)
    a, b = (
        torch.load(tmp_path / name / checkpoint.NAME, weights_only=True)["search"] for name in ("straight", "halved")
    )
    assert all(torch.equal(a["net"][name], b["net"][name]) for name in a["net"])
    record = read_record(tmp_path / "halved")
    assert [session["from_epoch"] for session in record.sessions] == [0, 2]
    assert record.lost_seconds == 0


def test_epochs_past_the_last_checkpoint_are_done_again(tmp_path, monkeypatch):
    """As a killed process leaves it: the journal knows more epochs than the checkpoint."""
    straight = search(tmp_path / "straight", epochs=4)
    heard = Heard(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "killed", epochs=4, listener=heard, stop=heard.stop)
    early = (tmp_path / "killed" / checkpoint.NAME).read_bytes()
    heard = Heard(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        resume_supernet(tmp_path / "killed", data=tiny_images(), report=False, listener=heard, stop=heard.stop)
    (tmp_path / "killed" / checkpoint.NAME).write_bytes(early)
    with (tmp_path / "killed" / NAME).open("ab") as file:
        file.write(b'{"type": "epoch", "epoch": 3, "th')
    heard = Heard()
    assert same(resume_supernet(tmp_path / "killed", data=tiny_images(), report=False, listener=heard), straight)
    assert [report.epoch for report in heard.reports] == [1, 2, 3]
    assert any("bytes were dropped" in text for text in heard.messages)
    record = read_record(tmp_path / "killed")
    assert record.lost_seconds > 0
    assert record.result.lost_seconds == record.lost_seconds
    assert len(record.epochs) == 4


def test_a_lost_checkpoint_means_from_the_beginning(tmp_path):
    straight = search(tmp_path / "straight")
    heard = Heard(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "lost", listener=heard, stop=heard.stop)
    (tmp_path / "lost" / checkpoint.NAME).unlink()
    assert same(resume_supernet(tmp_path / "lost", data=tiny_images(), report=False), straight)


def test_going_on_needs_what_it_began_with(tmp_path):
    heard, folder = Heard(stop_after=1), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        search(folder, listener=heard, stop=heard.stop)
    with pytest.raises(ConfigError, match="already holds a run"):
        search(folder)
    with pytest.raises(ConfigError, match="seed was 0"):
        search(folder, seed=1, go_on=True)
    with pytest.raises(ConfigError, match=r"budget\.epochs was 2"):
        search(folder, epochs=3, go_on=True)
    with pytest.raises(DataError, match="not those this search began with"):
        search(folder, images=tiny_images(seed=1), go_on=True)
    with pytest.raises(DataError, match="given from Python"):
        resume_supernet(folder)
    with pytest.raises(ConfigError, match=r"recipe\.lr was None"):
        resume_supernet(folder, ("recipe.lr=0.1",), data=tiny_images(), report=False)
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("batch: 8", "batch: 4"))
    with pytest.raises(ConfigError, match=r"recipe\.batch was 8"):
        resume_supernet(folder, data=tiny_images(), report=False)
    path.write_text(path.read_text().replace("batch: 4", "batch: 8"))
    assert len(read_record(folder).epochs) == 1
    with pytest.raises(StoreError, match="has not ended"):
        outcome_of(read_record(folder), folder)
    outcome = search(folder, go_on=True, out="elsewhere/")
    assert outcome.epochs == 2


def test_a_method_that_changed_is_refused(tmp_path):
    heard = Heard(stop_after=1)

    def mine(epochs: int = 3):
        return replace(own_method(epochs), monitors=())

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "run", mine, listener=heard, stop=heard.stop)
    with pytest.raises(ConfigError, match="the method was 'softmax"):
        resume_supernet(tmp_path / "run", data=tiny_images(), report=False, method=own_method)
    assert resume_supernet(tmp_path / "run", data=tiny_images(), report=False, method=mine).method == "mine"


def test_a_search_that_ended_is_read_and_not_touched(tmp_path):
    outcome = search(tmp_path / "run")
    before = (tmp_path / "run" / NAME).read_bytes()
    heard = Heard()
    assert search(tmp_path / "run", go_on=True, listener=heard) == outcome
    assert resume_supernet(tmp_path / "run") == outcome
    assert "has ended already" in heard.messages[-1]
    assert (tmp_path / "run" / NAME).read_bytes() == before


def test_a_users_method_and_space_run_and_a_stop_names_its_epoch(tmp_path):
    outcome = search(tmp_path / "run", own_method, space=triangle(), epochs=5)
    assert (outcome.method, outcome.space, outcome.architecture, outcome.genotype) == (
        "own_method",
        "triangle",
        None,
        None,
    )
    assert (outcome.epochs, outcome.ended, outcome.capped) == (2, "seen enough", False)
    assert outcome.cells == {"normal": tuple(outcome.history[0].cells["normal"])}
    assert outcome.text.startswith("normal: ")


def test_the_darts_space_gives_a_genotype(tmp_path):
    images = tiny_images(16)
    outcome = search_supernet(
        "darts",
        "darts",
        images,
        epochs=1,
        channels=4,
        cells=3,
        recipe={"batch": 8},
        folder=tmp_path / "run",
        report=False,
    )
    assert repr(list(outcome.genotype.normal)) in outcome.text
    assert outcome.architecture is None


def test_a_table_annotates_epochs_and_steers_nothing(tmp_path):
    plain = search(tmp_path / "plain")
    cells = sorted({report.text for report in plain.history})
    table = Table.from_arrays(
        {
            "arch": np.array(cells),
            "epoch12_val": np.full(len(cells), 50.0),
            "epoch200_seeds": np.arange(len(cells), dtype=float)[:, None] + np.array([[70.0, 72.0]]),
            "train_seconds_200": np.ones(len(cells)),
        }
    )
    heard = Heard()
    outcome = search(tmp_path / "table", table=table, listener=heard)
    expected = [0.71 + 0.01 * cells.index(report.text) for report in plain.history]
    assert outcome.true_accuracies == pytest.approx(expected)
    assert heard.truths == pytest.approx(expected)
    assert outcome.true_accuracy == pytest.approx(expected[-1])
    assert same(replace(outcome, true_accuracy=None, true_accuracies=(None, None)), plain)
    session = read_record(tmp_path / "table").sessions[0]
    assert session["table"]["best"] == pytest.approx(0.70 + 0.01 * len(cells))


def test_a_landscape_is_measured_after_the_selection(tmp_path):
    parts = tiny_parts(budget={"epochs": 1}, watch={"landscape": 3})
    start(parts.config, images=parts.images, folder=tmp_path / "run", watch=Watch(report=False), command="test")
    found = read_record(tmp_path / "run").result.diagnostics["landscape"]
    assert found["coordinates"] == [-1.0, 0.0, 1.0]
    assert np.shape(found["loss"]) == (3, 3)


def test_the_process_is_left_as_it_was(tmp_path):
    found = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        torch.manual_seed(5)
        before = torch.get_rng_state()
        search(tmp_path / "run", threads=1)
        assert torch.equal(before, torch.get_rng_state())
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(found)


def test_numbers_that_json_has_not_become_none():
    given = {"a": [1.0, float("nan")], "b": {"c": float("inf")}, "d": "x"}
    assert finite(copy.deepcopy(given)) == {"a": [1.0, None], "b": {"c": None}, "d": "x"}
