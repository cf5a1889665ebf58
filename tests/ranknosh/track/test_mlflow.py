"""Runs written to real stores on this disk and read back with MLflow's own client."""

import socket
import sys

import pytest

from ranknosh.errors import MissingDependency
from ranknosh.track import Several, Tracker, trackers_of
from ranknosh.track.mlflow import POSITION, MlflowLog
from ranknosh.track.series import Series

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")


@pytest.fixture(autouse=True)
def _stays_here(monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)


@pytest.fixture(params=["sqlite", "file"])
def uri(tmp_path, request):
    return f"sqlite:///{tmp_path}/mlflow.db" if request.param == "sqlite" else f"file:{tmp_path}/mlruns"


def mirror(folder, uri, say=None):
    with Several(trackers_of({"tensorboard": False, "mlflow": uri}, folder, "tiny", say)):
        pass


class Stored:
    """Everything the store holds: the parent, and its children by (candidate, replica)."""

    def __init__(self, uri):
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(tracking_uri=uri)
        (experiment,) = (e for e in self.client.search_experiments() if e.name == "ranknosh")
        runs = self.client.search_runs([experiment.experiment_id])
        (self.parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
        self.children = {
            (int(run.data.tags["ranknosh.candidate"]), int(run.data.tags["ranknosh.replica"])): run
            for run in runs
            if run.data.tags.get("mlflow.parentRunId") == self.parent.info.run_id
        }
        assert len(runs) == 1 + len(self.children)

    def points(self):
        """{(owner, tag): [(milliseconds, step, value)]} in the order of the clock."""
        found = {}
        for owner, run in {None: self.parent, **self.children}.items():
            for key in run.data.metrics:
                history = self.client.get_metric_history(run.info.run_id, key)
                found[owner, key] = sorted((m.timestamp, m.step, m.value) for m in history)
        return found


def expected(story):
    series, points = Series(), {}
    for seconds, record in story.records:
        for point in series.points(record):
            row = (round((story.began + seconds) * 1000), point.step, point.value)
            points.setdefault((point.owner, point.tag), []).append(row)
    return points


def test_one_parent_and_a_child_for_every_candidate_with_a_result(tmp_path, story, uri):
    mirror(story.journal(tmp_path / "run"), uri)
    stored = Stored(uri)
    assert set(stored.children) == {(0, 0), (1, 0), (2, 0), (1, 1)}
    assert stored.points() == expected(story)
    assert stored.parent.info.status == "FINISHED"
    assert stored.parent.info.run_name == "tiny"
    assert stored.parent.data.params == {"seed": "3", "pyramid.epochs": "[1, 3]", "pyramid.candidates": "3"}
    assert stored.parent.data.tags["best.architecture"] == "text1"
    one = stored.children[1, 0]
    assert one.data.params == {"architecture": "text1", "key": "key1", "origin": "random", "batch": "0"}
    assert (one.info.status, one.info.run_name) == ("FINISHED", "#1")
    assert one.info.end_time == round((story.began + 6.0) * 1000)
    assert stored.children[1, 1].info.run_name == "#1 seed 1"
    failed = stored.children[2, 0]
    assert (failed.info.status, failed.data.tags["failure"]) == ("FAILED", "diverged: loss is nan")


def test_sessions_go_on_in_the_same_runs_and_double_nothing(tmp_path, story, uri):
    folder = tmp_path / "run"
    mirror(story.journal(folder, 7), uri)
    assert Stored(uri).parent.info.status == "KILLED"
    mirror(folder, uri)
    mirror(story.journal(folder, onto=7), uri)
    stored = Stored(uri)
    assert stored.points() == expected(story)
    assert stored.parent.info.status == "FINISHED"
    assert stored.parent.data.tags[POSITION] == str(len(story.records))


@pytest.mark.parametrize("noted", [0, 3, 8])
def test_points_written_just_before_a_kill_are_not_written_again(tmp_path, story, uri, noted):
    folder = story.journal(tmp_path / "run", 12)
    mirror(folder, uri)
    stored = Stored(uri)
    stored.client.set_tag(stored.parent.info.run_id, POSITION, str(noted))  # as if killed before the position was noted
    mirror(story.journal(folder, onto=12), uri)
    assert Stored(uri).points() == expected(story)


def test_two_searches_share_a_store(tmp_path, story):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    mirror(story.journal(tmp_path / "a", 7), uri)
    mirror(story.journal(tmp_path / "b", 7), uri)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("ranknosh")
    parents = [r for r in client.search_runs([experiment.experiment_id]) if "ranknosh.id" in r.data.tags]
    assert len(parents) == 2


def test_a_server_that_is_down_is_told_of_once_and_costs_no_time(tmp_path, story):
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        said = []
        mirror(story.journal(tmp_path / "run"), f"http://127.0.0.1:{taken.getsockname()[1]}", said.append)
    assert len(said) == 1
    assert "MLflow is not written any more in this session: StoreError: nothing answers at 127.0.0.1:" in said[0]


def test_a_server_that_never_answers_does_not_hold_the_end_up(tmp_path, story):
    said = []
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        folder = story.journal(tmp_path / "run")
        log = MlflowLog(folder, f"http://127.0.0.1:{mute.getsockname()[1]}", "tiny")
        Tracker(log, folder, said.append, closing_seconds=1.0).close()
    assert len(said) == 1
    assert "nothing could be written for 1 seconds" in said[0]


def test_a_missing_package_is_named_at_once(tmp_path, story, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingDependency, match=r"ranknosh\[track\]"):
        mirror(story.journal(tmp_path / "run"), "file:x")
