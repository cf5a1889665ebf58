"""Functions in processes of their own: several at once, ended at their deadline, and the same results as in this process."""

import json
from pathlib import Path

import pytest

from ranknosh.config.execution import ExecutorConfig
from ranknosh.core.records import Failed, Observed
from ranknosh.errors import ConfigError
from ranknosh.executors.evaluate import EvaluateTraining, in_processes, wants_processes
from ranknosh.executors.opening import opened
from ranknosh.executors.reported import Ranking
from ranknosh.training.folders import FolderStore
from tests.own_training import SPACE, counting, job, run

ACCURACY = Ranking("accuracy", higher=True)
TEXT = """
import os, time
import numpy as np

def fit(architecture, from_epoch, to_epoch, checkpoint_dir):
    (checkpoint_dir / "process").write_text(str(os.getpid()))
    return {"accuracy": np.float32(architecture["width"] / 64), "costs": {"params": np.int64(7)}}

def raises(*given):
    raise KeyError("no such column")

def fills(*given):
    raise MemoryError("of 3 GB")

def hangs(*given):
    time.sleep(1000)

def meets(architecture, from_epoch, to_epoch, checkpoint_dir):
    mine = METING / str(architecture["width"])
    mine.touch()
    while len(list(METING.iterdir())) < 2:
        time.sleep(0.02)
    return 0.5

def wrong(*given):
    return {"accuracy": "good"}
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """From the name of a function of the user's file to its training."""
    from ranknosh.registry import look_in

    monkeypatch.setattr("ranknosh.registry.FOLDERS", [])
    monkeypatch.setattr("ranknosh.executors.evaluate.FOLDERS", [])
    monkeypatch.chdir(tmp_path)
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    Path("called_file.py").write_text(f"from pathlib import Path\nMETING = Path({str(meeting)!r})\n{TEXT}")
    look_in(tmp_path)

    def training(name):
        store = FolderStore(tmp_path / "checkpoints")
        return EvaluateTraining(SPACE, ACCURACY, store, counting, f"called_file:{name}")

    return training


class Session:
    class stop:
        requested = False

    def say(self, text):
        pass


def results(section, training, jobs):
    with opened(section, Session(), training, device="cpu", threads=1) as (executor, place):
        for one in jobs:
            executor.submit(one)
        found = []
        while executor.running():
            found += executor.wait(1.0)
    return found, place


def test_a_level_is_that_of_the_function_in_another_process(made, tmp_path):
    import os

    outcome = run(in_processes(made("fit")), job(1))
    assert isinstance(outcome, Observed), outcome
    assert (outcome.metric, dict(outcome.costs)) == (0.25, {"params": 7.0})
    state = FolderStore(tmp_path / "checkpoints").read(1, 0, in_processes(made("fit")).identity(job(1))).state
    assert state is not None
    assert str(os.getpid()).encode() not in state.archive
    # A run may go on with another number of workers: what was kept is the same function's.
    assert in_processes(made("fit")).identity(job(1)) == made("fit").identity(job(1))


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("raises", "raised", "the function exited with 1: KeyError: 'no such column'"),
        ("fills", "out_of_memory", "MemoryError: of 3 GB"),
        ("wrong", "raised", "accuracy is 'good', which is no number"),
    ],
)
def test_what_goes_wrong_is_told_as_in_this_process(made, name, kind, message):
    outcome = run(in_processes(made(name)), job(1))
    assert isinstance(outcome, Failed)
    assert outcome.kind == kind
    assert message in outcome.message


def test_two_levels_run_at_once(made):
    section = ExecutorConfig(name="evaluate", function="called_file:meets", rank_by="accuracy", workers=2)
    found, place = results(section, made("meets"), [job(0), job(1)])  # each waits for the other
    assert [type(one.outcome) for one in found] == [Observed, Observed]
    assert "processes" in place


def test_one_that_hangs_is_ended_at_its_deadline(made):
    section = ExecutorConfig(name="evaluate", function="called_file:hangs", rank_by="accuracy", deadline="1s")
    ((one,), _) = results(section, made("hangs"), [job(0)])
    assert (one.outcome.kind, "the function was ended after" in one.outcome.message) == ("hung", True)


def test_who_gets_processes():
    given = {"function": "m:f", "rank_by": "accuracy"}
    wants = [
        wants_processes(ExecutorConfig(**given, **more))
        for more in (
            {"name": "evaluate"},
            {"name": "evaluate", "workers": 1},
            {"name": "evaluate", "deadline": "1h"},
            {"name": "evaluate", "deadline": "off"},
            {"name": "ray", "workers": 4},
        )
    ]
    assert wants == [False, True, True, False, False]


def test_a_function_without_a_name_is_refused_before_anything_is_begun(tmp_path):
    import ranknosh

    with pytest.raises(ConfigError, match="no name that another process finds it by"):
        ranknosh.search(
            space={"name": "flat", "parameters": json.loads('{"width": [8, 16]}')},
            evaluate=lambda *given: 0.5,
            rank_by="accuracy",
            budget=4,
            executor={"workers": 2},
            out=str(tmp_path / "runs"),
        )
    assert not (tmp_path / "runs").exists()
