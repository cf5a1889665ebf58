"""Whole runs from Python on real digits, small enough for a test."""

import json

import pytest
import torch
from torch.utils.data import TensorDataset

import ranknosh
from ranknosh.core.metrics import kendall_tau
from ranknosh.core.records import Decision, Tested
from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.runs.events import Progress
from ranknosh.workflows import open_run
from tests.ranknosh.workflows.search.small_search import DIGITS, SMALL, small_search


def test_a_run_holds_what_was_asked_for(run):
    assert run.stop_reason == "candidates"
    assert run.exit_code == 0
    assert run.pool.epochs_spent == 6 + 3
    assert run.best.level == 2
    rows = run.trials()
    assert len(rows) == 6
    assert {"id", "architecture", "level", "metrics.accuracy", "costs.params"} <= rows[0].keys()
    assert {path.name for path in run.folder.iterdir()} >= {
        *("journal.jsonl", "config.yaml", "trials.csv", "report.html"),
        *("archs", "best", "checkpoints", "predictor"),
    }


def test_the_best_folder_is_the_network_that_was_judged(run):
    from ranknosh.training.evaluate import evaluate
    from ranknosh.workflows.search.assembly import build_parts

    task = build_parts(run.settings).recipe
    accuracy = evaluate(run.network(), task.data.validation, task)["accuracy"]
    assert accuracy == run.best.metrics["accuracy"]
    card = json.loads((run.folder / "best" / "card.json").read_text())
    assert card["metrics"] == run.best.metrics
    assert card["test"] == run.pool.tested[0].metrics
    assert (run.folder / "best" / "genotype.txt").read_text().strip() == run.best.text


def test_no_time_left_is_told_before_an_epoch_has_shown_how_long_one_takes(tmp_path):
    heard = []
    sections = {**SMALL, "pyramid": {"epochs": [1], "initial": 2, "candidates": 2}}
    budget = {"epochs": 20, "time": "1000h"}
    ranknosh.search(data=DIGITS, budget=budget, out=str(tmp_path), events=heard.append, **sections)
    epochs = [event for event in heard if isinstance(event, Progress) and event.task == "epochs"]
    assert {event.left for event in epochs if not event.done} == {None}
    assert all(event.left is not None and event.left < 3600 for event in epochs[-2:])
    tests = [event for event in heard if isinstance(event, Progress) and event.task == "test"]
    assert [(event.done, event.total) for event in tests] == [(0, 1), (1, 1)]


def test_checkpoints_lie_in_the_run_or_below_the_storage_by_the_runs_id(run):
    assert run.checkpoints().folder == run.folder.resolve() / "checkpoints"
    moved = open_run(run.folder)
    moved.settings = moved.settings.replace(["executor.storage=s3://bucket/all/"])
    assert moved.checkpoints().location == f"s3://bucket/all/{run.header.id}"


def test_the_test_split_is_read_once_and_a_finished_run_is_left_alone(run):
    before = (run.folder / "journal.jsonl").read_bytes()
    again = run.resume()
    assert (run.folder / "journal.jsonl").read_bytes() == before
    assert [type(r) for r in again.history.records].count(Tested) == 1


def test_the_same_seed_takes_the_same_decisions_and_another_does_not(run, tmp_path):
    def decisions(folder):
        return [record for record in open_run(folder).history.records if isinstance(record, Decision)]

    same = small_search(tmp_path, "same")
    other = ranknosh.search(data=DIGITS, budget=20, out=str(tmp_path), name="other", seed=1, **SMALL)
    assert decisions(same.folder) == decisions(run.folder)
    assert decisions(other.folder) != decisions(run.folder)


def test_raised_limits_go_on_with_what_is_there(tmp_path):
    first = ranknosh.search(data=DIGITS, budget=5, out=str(tmp_path), name="grow", **SMALL)
    assert first.pool.epochs_spent == 5
    grown = first.resume(["budget.epochs=20"])
    assert grown.pool.count == 6
    assert grown.history.records[: len(first.history.records)] == first.history.records
    assert grown.settings.budget.epochs == 20
    with pytest.raises(ConfigError, match=r"train\.lr"):
        grown.resume(["train.lr=0.5"])


def test_finalists_are_trained_again_and_charged(tmp_path):
    pyramid = {**SMALL["pyramid"], "finalists": 2}
    run = ranknosh.search(data=DIGITS, budget=20, out=str(tmp_path), **{**SMALL, "pyramid": pyramid})
    assert run.pool.epochs_spent == 9 + 2 * 2
    replicas = [candidate for candidate in run.pool.candidates.values() if candidate.replicas]
    assert len(replicas) == 2
    for candidate in replicas:
        assert candidate.replicas[1].metric != candidate.latest.metric
    assert run.best in replicas


def test_own_datasets_are_searched_and_resumed_from_python_only(tmp_path):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    answers = torch.tensor(labels)
    parts = [TensorDataset(pixels[part], answers[part]) for part in (slice(0, 300), slice(300, 500), slice(500, 600))]
    run = ranknosh.search(data=parts, budget=5, out=str(tmp_path), name="own", **SMALL)
    assert 0 < run.best.metrics["accuracy"] < 1
    with pytest.raises(DataError, match="given from Python"):
        run.resume(["budget.epochs=8"])
    from ranknosh.tasks.data import from_datasets

    with pytest.raises(DataError, match="not those this run began with"):
        run.resume(["budget.epochs=8"], data=from_datasets(*reversed(parts)))
    assert run.resume(["budget.epochs=8"], data=from_datasets(*parts)).pool.epochs_spent == 8


def test_wrong_data_is_named():
    with pytest.raises(ConfigError, match="data is int"):
        ranknosh.search(data=7)
    with pytest.raises(StoreError, match="nowhere does not exist"):
        ranknosh.open_run("nowhere")


def test_a_section_that_is_none_has_its_defaults():
    with pytest.raises(ConfigError, match="channels is 0"):
        ranknosh.search(pyramid=None, space={"channels": 0})


def test_longer_trainings_agree_with_shorter_ones(run):
    """The two levels' orders come from one training each, so they are not independent of each other."""
    top = run.pool.at_level(2)
    assert len(top) == 3
    assert kendall_tau([c.by_level[1] for c in top], [c.by_level[2] for c in top]) is not None


def test_a_run_says_whether_its_decisions_depend_on_the_order_of_results(run, tmp_path):
    pyramid = {**SMALL["pyramid"], "schedule": "eager", "candidates": 4}
    eager = ranknosh.search(data=DIGITS, budget=20, out=str(tmp_path), **{**SMALL, "pyramid": pyramid})
    assert [each.history.header.facts["decisions"] for each in (run, eager)] == ["reproducible", "order-dependent"]


def test_overlapping_batches_are_resumed_as_they_were_begun(tmp_path):
    """Cut in the middle of the second batch, where both batches have trainings out."""
    pyramid = {"epochs": [1, 2, 4], "initial": 4, "batch": 4, "candidates": 12, "overlap": 2}
    whole = ranknosh.search(data=DIGITS, budget=60, out=str(tmp_path), name="whole", **{**SMALL, "pyramid": pyramid})
    lines = (whole.folder / "journal.jsonl").read_text().splitlines(keepends=True)
    second = next(i for i, line in enumerate(lines) if '"type": "proposed"' in line and '"batch":1,' in line)
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "journal.jsonl").write_text("".join(lines[: second + 2]))
    again = ranknosh.open_run(cut).resume()
    kept = [[r for r in each.history.records if isinstance(r, Decision)] for each in (whole, again)]
    assert kept[0] == kept[1]
    assert again.pool.epochs_spent == whole.pool.epochs_spent


def test_what_runs_a_search_may_change_on_resume_and_its_storage_may_not(tmp_path):
    run = ranknosh.search(data=DIGITS, budget=3, out=str(tmp_path), **SMALL)
    moved = run.resume(["budget.epochs=6", "executor.workers=3", "executor.per_level={2: {cpus: 2}}"])
    assert moved.settings.executor.workers == 3
    assert moved.settings.executor.per_level[2].cpus == 2
    assert moved.resume(["budget.epochs=9"]).settings.executor.workers == 3
    with pytest.raises(ConfigError, match=r"executor\.storage was not set when this run started"):
        run.resume(["executor.storage=/elsewhere"])
