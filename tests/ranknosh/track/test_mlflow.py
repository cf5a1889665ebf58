"""Runs written to real stores on this disk and read back with MLflow's own client."""

import json
import socket
import sys

import pytest

from ranknosh.errors import MissingDependency
from ranknosh.track.mirror import Tracker
from ranknosh.track.mlflow import FILE, POSITION, MlflowLog
from ranknosh.track.series import Series
from tests.processes import HANG_SECONDS

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")


@pytest.fixture(autouse=True)
def _stays_here(monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.setattr(Tracker, "closing_seconds", HANG_SECONDS)  # a new database takes long on a busy machine


@pytest.fixture(params=["sqlite", "file"])
def uri(tmp_path, request):
    return f"sqlite:///{tmp_path}/mlflow.db" if request.param == "sqlite" else f"file:{tmp_path}/mlruns"


def mirror(story, folder, uri, held=0, count=None, events=None):
    story.session({"tensorboard": False, "mlflow": uri}, folder, held, count or len(story.records), events)


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
    for seconds, record in story.logged:
        for point in series.add(record, round(1000 * (story.began + seconds))).points:
            row = (point.stamp, point.step, point.value)
            points.setdefault((point.owner, point.tag), []).append(row)
    return points


def test_one_parent_and_a_child_for_every_candidate_with_a_result(tmp_path, story, uri):
    mirror(story, tmp_path / "run", uri)
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


def test_a_resumed_search_logs_to_the_same_runs_and_doubles_nothing(tmp_path, story, uri):
    folder = tmp_path / "run"
    mirror(story, folder, uri, 0, 7)
    first = Stored(uri)
    assert first.parent.info.status == "KILLED"
    assert json.loads((folder / FILE).read_text()) == {"uri": uri, "run": first.parent.info.run_id}
    mirror(story, folder, uri, 7, 7)
    mirror(story, folder, uri, 7)
    stored = Stored(uri)
    assert stored.parent.info.run_id == first.parent.info.run_id
    assert stored.points() == expected(story)
    assert stored.parent.info.status == "FINISHED"
    assert stored.parent.data.tags[POSITION] == str(len(story.logged))


@pytest.mark.parametrize("noted", [0, 3, 8])
def test_points_logged_just_before_a_kill_are_not_doubled_in_a_database(tmp_path, story, noted):
    folder, uri = tmp_path / "run", f"sqlite:///{tmp_path}/mlflow.db"
    mirror(story, folder, uri, 0, 12)
    stored = Stored(uri)
    stored.client.set_tag(stored.parent.info.run_id, POSITION, str(noted))  # as if killed before the position was noted
    mirror(story, folder, uri, 12)
    assert Stored(uri).points() == expected(story)


def test_more_candidates_than_a_page_of_the_store_holds_are_found_again(tmp_path, story, monkeypatch):
    from mlflow.tracking import MlflowClient

    folder, uri, search = tmp_path / "run", f"sqlite:///{tmp_path}/mlflow.db", MlflowClient.search_runs
    mirror(story, folder, uri, 0, 12)
    monkeypatch.setattr(MlflowClient, "search_runs", lambda *args, **named: search(*args, max_results=1, **named))
    mirror(story, folder, uri, 12)
    monkeypatch.undo()
    assert set(Stored(uri).children) == {(0, 0), (1, 0), (2, 0), (1, 1)}


def test_another_store_gets_the_whole_search(tmp_path, story):
    for name, held in (("one", 0), ("two", 12)):
        mirror(story, tmp_path / "run", f"sqlite:///{tmp_path}/{name}.db", held)
        assert Stored(f"sqlite:///{tmp_path}/{name}.db").points() == expected(story)


def test_two_searches_share_a_store(tmp_path, story):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    mirror(story, tmp_path / "a", uri, 0, 7)
    mirror(story, tmp_path / "b", uri, 0, 7)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("ranknosh")
    runs = client.search_runs([experiment.experiment_id])
    assert sum("mlflow.parentRunId" not in run.data.tags for run in runs) == 2


def test_a_server_that_is_down_is_said_once_and_the_search_ends(tmp_path, story):
    said = []
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        mirror(story, tmp_path / "run", f"http://127.0.0.1:{taken.getsockname()[1]}", events=said.append)
    (message,) = said
    assert "MLflow is not written any more in this session: StoreError: nothing answers at 127.0.0.1:" in message.text


def test_a_server_that_never_answers_does_not_hold_the_end_up(tmp_path, story, monkeypatch):
    said = []
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        log = MlflowLog(tmp_path, f"http://127.0.0.1:{mute.getsockname()[1]}", "tiny")
        monkeypatch.setattr(Tracker, "closing_seconds", 1.0)
        Tracker(log, story.history(), said.append).close()
    assert len(said) == 1


def test_a_missing_package_is_named_at_once(tmp_path, story, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingDependency, match=r"ranknosh\[track\]"):
        mirror(story, tmp_path / "run", "file:x")
