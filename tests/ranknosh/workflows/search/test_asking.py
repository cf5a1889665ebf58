"""Asking and telling: the decisions of a search that runs by itself, for any number of loops outside, and every wrong word."""

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import ranknosh
from ranknosh.errors import ConfigError
from ranknosh.report.tables import decision_lines
from ranknosh.workflows.search.asking import LEASES
from tests.own_training import SMALL, counting, small_search

ASK = {**SMALL, "executor": {"name": "ask", "rank_by": "accuracy"}}
TINY = {"budget": {"epochs": 12}, "pyramid": {"epochs": [1, 2, 4], "initial": 4, "batch": 2}}


def begun(out, settings=ASK, name="asked"):
    return small_search(settings, out, name)


@pytest.fixture
def run(tmp_path):
    return begun(tmp_path, {**ASK, **TINY})


def train(run, job, function=counting):
    return run.tell(job.id, function(job.architecture, job.from_epoch, job.to_epoch, job.checkpoint_dir))


def work(run, count=1):
    """Ask and tell to the end of the search."""
    while True:
        handout = run.ask(count)
        if handout.over is not None:
            return handout.over
        for job in reversed(handout.jobs):
            assert train(run, job)


@pytest.mark.parametrize("count", [1, 5])
def test_a_search_that_is_asked_decides_as_one_that_runs_by_itself(tmp_path, count):
    function = {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"}
    alone = small_search({**SMALL, "executor": function}, tmp_path, "alone")
    run = begun(tmp_path)
    assert "epoch budget is spent" in work(run, count)
    assert decision_lines(run) == decision_lines(alone)
    assert run.best.metrics == alone.best.metrics
    assert (run.stop_reason, run.exit_code, run.describe()["state"]) == ("epochs", 0, "finished")
    assert json.loads((run.folder / "best" / "checkpoint" / "epochs.json").read_text()) == [1, 2, 3, 4]
    assert (run.folder / "report.html").exists()
    assert not any((run.folder / "work").iterdir())
    assert run.ask().over == run.reason


def test_a_search_that_is_asked_keeps_to_its_constraints(tmp_path):
    limits = {
        "constraints": {"convolutions": "<= 3"},
        "costs": {"convolutions": {"function": "tests.own_training:convolutions"}},
    }
    function = {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"}
    alone = small_search({**SMALL, **limits, "executor": function}, tmp_path, "alone")
    run = begun(tmp_path, {**ASK, **limits})
    work(run, 3)
    assert decision_lines(run) == decision_lines(alone)
    assert max(candidate.text.count("nor_conv") for candidate in run.pool.candidates.values()) == 3


def test_several_workers_share_a_run(tmp_path):
    run, jobs = begun(tmp_path), []

    def worker():
        mine = ranknosh.open_run(run.folder)
        while (handout := mine.ask()).over is None:
            for job in handout.jobs:
                jobs.append(job.id)
                train(mine, job)

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == len(set(jobs))
    assert ranknosh.open_run(run.folder).pool.epochs_spent == 40


def test_a_new_run_waits_to_be_asked(run):
    assert (run.exit_code, run.describe()["state"], run.pool.count) == (0, "waiting", 0)
    (job,) = run.ask().jobs
    assert (job.id, job.candidate, job.level, job.from_epoch, job.to_epoch) == ("0-1", 0, 1, 0, 1)
    assert job.architecture.text == run.pool.candidates[0].text
    assert job.checkpoint_dir.is_dir()
    assert [each.id for each in run.ask(9).jobs] == ["1-1", "2-1", "3-1"]
    assert run.ask(2) == ((), 4, None)
    assert len(run.sessions) == 1


def test_what_is_told_is_checked_and_nothing_is_lost(run):
    run.ask(3)
    run.tell("0-1", {"accuracy": 0.5})
    before = (run.folder / "journal.jsonl").read_bytes()
    for id, metrics, failed, message in [
        ("9-1", {"accuracy": 1}, None, "there is no candidate 9: 4 were proposed so far"),
        ("one", {"accuracy": 1}, None, "'one' is no id of a level"),
        ("3-1", {"accuracy": 1}, None, "3-1 was not handed out, or it was taken back"),
        ("1-2", {"accuracy": 1}, None, "1-2 was not asked for: candidate 1 is trained to level 1 now"),
        ("0-2", {"accuracy": 1}, None, "0-2 was not asked for: candidate 0 is at level 1"),
        ("0", {"accuracy": 1}, None, "no level of candidate 0 is out"),
        (
            "1-1",
            {"accuracy": float("nan")},
            None,
            "accuracy is nan, and metrics are finite numbers; a training that diverged",
        ),
        ("1-1", {"loss": 1}, None, "the metrics of 1-1 cannot be used: it reports loss, and not accuracy"),
        ("1-1", None, None, "accuracy is None, which is no number"),
        ("0-1", {"accuracy": 0.6}, None, r"0-1 was told before, as \{\"accuracy\": 0.5\}; what is told stays"),
        ("0-1", None, "no luck", "0-1 was told before"),
    ]:
        with pytest.raises(ConfigError, match=message):
            run.tell(id, metrics, failed=failed)
    assert (run.folder / "journal.jsonl").read_bytes() == before
    assert run.tell("0-1", {"accuracy": 0.5}) is False
    assert (run.folder / "journal.jsonl").read_bytes() == before
    assert run.tell("1", {"accuracy": 0.4}) is True


def test_a_failure_is_final_and_may_be_told_twice(run):
    run.ask(4)
    assert run.tell("2-1", failed="no luck") is True
    assert run.tell("2-1", failed="no luck") is False
    failed = run.pool.candidates[2].failed
    assert (failed.kind, failed.message, failed.final) == ("raised", "no luck", True)
    with pytest.raises(ConfigError, match="2-1 was told before, as failed: no luck"):
        run.tell("2-1", {"accuracy": 0.5})


def test_what_is_out_with_a_worker_that_is_gone_is_handed_out_again(run):
    first = run.ask(4).jobs
    (first[0].checkpoint_dir / "half").touch()
    again = run.ask(4, again=True)
    assert [job.id for job in again.jobs] == [job.id for job in first]
    assert not first[0].checkpoint_dir.exists()
    assert not any(again.jobs[0].checkpoint_dir.iterdir())
    assert train(run, again.jobs[0])


def test_what_is_out_for_longer_than_the_deadline_is_handed_out_again(run):
    run.ask(2)
    leases = json.loads((run.folder / LEASES).read_text())
    leases["0-1"]["at"] -= 100
    (run.folder / LEASES).write_text(json.dumps(leases))
    assert [job.id for job in run.ask().jobs] == ["2-1"]
    ranknosh.open_run(run.folder).resume(["executor.deadline=50s"])
    assert [job.id for job in run.ask(1).jobs] == ["0-1"]


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_text("{"), lambda path: path.write_text("{}")])
def test_lost_leases_cost_work_only(run, harm):
    first = run.ask(2).jobs
    harm(run.folder / LEASES)
    assert [job.id for job in run.ask(2).jobs] == [job.id for job in first]


def test_a_result_whose_record_was_lost_is_found_in_its_folder(run):
    jobs = run.ask(4).jobs
    lines = (run.folder / "journal.jsonl").read_bytes()
    told = train(run, jobs[0])
    (run.folder / "journal.jsonl").write_bytes(lines)
    again = ranknosh.open_run(run.folder)
    assert told
    assert [job.id for job in again.ask(4, again=True).jobs] == ["1-1", "2-1", "3-1"]
    assert again.pool.candidates[0].level == 1


def test_time_counts_from_the_beginning_of_the_run(tmp_path, monkeypatch):
    run = begun(tmp_path, {**ASK, **TINY, "budget": {"time": "1h"}, "pyramid": {"epochs": [1], "initial": 2}})
    (job,) = run.ask().jobs

    class Later(datetime):
        @classmethod
        def now(cls, zone):
            return datetime.now(zone) + timedelta(hours=2)

    monkeypatch.setattr("ranknosh.workflows.search.asking.datetime", Later)
    assert run.ask() == ((), 1, None)  # what is out is waited for
    train(run, job)
    assert run.ask().over is not None
    assert run.stop_reason == "wall_time"


def test_it_is_logged_when_it_is_over(tmp_path):
    pytest.importorskip("tensorboardX")
    run = begun(tmp_path, {**ASK, **TINY, "track": {"tensorboard": True}})
    (job,) = run.ask().jobs
    train(run, job)
    assert not (run.folder / "tensorboard").exists()
    work(run)
    known = {f"candidate-{number:04d}" for number, one in run.pool.candidates.items() if one.level}
    assert {path.name for path in (run.folder / "tensorboard").iterdir()} == {"search", *known}


def test_other_runs_are_not_asked(tmp_path):
    function = {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"}
    run = small_search({**SMALL, **TINY, "executor": function}, tmp_path, "alone")
    with pytest.raises(ConfigError, match=r"hands out no candidates, because its executor\.name is evaluate"):
        run.ask()
    with pytest.raises(ConfigError, match="ask for 1 or more"):
        begun(tmp_path).ask(0)


def test_the_budget_may_be_raised_and_asked_on(run):
    work(run)
    more = ranknosh.open_run(run.folder).resume(["budget.epochs=16"])
    assert (more.describe()["state"], more.exit_code) == ("waiting", 0)
    work(more)
    assert more.pool.epochs_spent > 12
