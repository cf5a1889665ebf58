"""Relative paths of a run are meant from the working directory that they were given in, whichever workflow and setting."""

import numpy as np
import pytest

from ranknosh.config.settings import by_name
from ranknosh.errors import ConfigError
from ranknosh.runs.run import Run, begin
from ranknosh.workflows import open_run, run_class
from tests.small_runs import SMALL

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|"
SETTINGS = {
    "search": {**SMALL, "budget": {"epochs": 20}, "executor": {"storage": "kept"}},
    "supernet": {**SMALL, "method": {"name": "darts"}, "budget": {"epochs": 2}, "table": "table.npz"},
    "score": {**SMALL, "count": 2, "proxies": ["params"], "table": "table.npz", "csv": "scores.csv"},
    "compare": {**SMALL, "methods": ["random"], "budget": {"device_time": "9m"}, "table": "table.npz"},
}
FREE = {"supernet": "table", "score": "csv", "compare": "table"}


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch):
    monkeypatch.setattr(Run, "report_if_possible", lambda run, events: None)
    for name in SETTINGS:
        monkeypatch.setattr(run_class(name), "work", lambda run, session, prepared: session.began("cpu"))


@pytest.fixture
def folders(tmp_path):
    """``first``, ``other`` and ``third``, with a table in each; ``kept`` is where one of the runs has its checkpoints."""
    places = [tmp_path / name for name in ("first", "other", "third")]
    for place in places:
        (place / "kept").mkdir(parents=True)
        arrays = {"arch": np.array([CELL]), "epochs": np.array([1, 3]), "validation_accuracy": np.full((1, 2), 50.0)}
        np.savez(place / "table.npz", **arrays)
        np.savez(place / "better.npz", **arrays)
    return places


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_relative_path_is_meant_from_where_the_run_began_and_a_new_one_from_here(
    kind, folders, tmp_path, monkeypatch
):
    first, other, third = folders
    monkeypatch.chdir(first)
    found = run_class(kind)
    begin(found, found.SETTINGS.from_dict(SETTINGS[kind]), command=kind, folder=tmp_path / "run", resumed=True)
    names = [
        name
        for name in ("table", "csv", "executor.storage")
        if by_name(open_run(tmp_path / "run").settings.to_dict()).get(name)
    ]
    assert names
    monkeypatch.chdir(other)
    run = open_run(tmp_path / "run").resume()
    settings = by_name(run.settings.to_dict())
    assert all(settings[name].startswith(str(first)) for name in names), settings
    assert [session.changes for session in run.sessions] == [{}, {}]
    monkeypatch.chdir(third)
    if kind == "search":
        with pytest.raises(
            ConfigError, match=r"executor.storage was '.*first/kept' when .* '.*third/better' now; it cannot"
        ):
            run.resume(["executor.storage=better"])
        return
    new = "better.csv" if FREE[kind] == "csv" else "better.npz"
    run.resume([f"{FREE[kind]}={new}"])
    monkeypatch.chdir(other)
    assert getattr(open_run(tmp_path / "run").settings, FREE[kind]) == str(third / new)


def test_the_table_of_scores_is_written_where_it_was_asked_for(folders, tmp_path, monkeypatch):
    monkeypatch.undo()
    first, other, _ = folders
    monkeypatch.chdir(first)
    kind = run_class("score")
    begin(kind, kind.SETTINGS.from_dict(SETTINGS["score"]), command="score", folder=tmp_path / "run")
    (first / "scores.csv").unlink()
    monkeypatch.chdir(other)
    open_run(tmp_path / "run").report()
    assert (first / "scores.csv").exists()
    assert not (other / "scores.csv").exists()
