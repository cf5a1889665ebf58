"""``init`` prints configs that load, and ``doctor`` tells what is there."""

import json
import os
import shutil
from importlib.metadata import version

import pytest

from ranknosh.cli import doctor
from ranknosh.config.search import SearchSettings
from ranknosh.workflows import HOMES, run_class


@pytest.mark.parametrize(
    "data", ["cluttered_digits", "digits", "cifar10", "images", "my images", "pictures.zip", "1.npz"]
)
@pytest.mark.parametrize(
    ("budget", "limits"), [("90", {"epochs": 90}), ("2h", {"time": "2h"}), ("3gpuh", {"device_time": "3h"})]
)
def test_what_init_prints_loads_and_says_what_was_asked(cli, tmp_path, monkeypatch, data, budget, limits):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "my images").mkdir()
    ended = cli("init", "--data", data, "--budget", budget, "--out", "s.yaml")
    assert ended.code == 0
    config = SearchSettings.load("s.yaml")
    source = {"1.npz": config.data.npz, "images": config.data.folder, "my images": config.data.folder}
    assert source.get(data, config.data.folder if data.endswith(".zip") else config.data.name) == data
    assert {key: value for key, value in config.to_dict()["budget"].items() if value} == limits
    assert (
        cli("init", "--data", data, "--budget", budget).out.replace("search.yaml", "s.yaml")
        == (tmp_path / "s.yaml").read_text()
    )
    assert max(map(len, (tmp_path / "s.yaml").read_text().splitlines())) <= 130


def test_init_never_overwrites(cli, tmp_path):
    (tmp_path / "s.yaml").write_text("mine")
    ended = cli("init", "--out", tmp_path / "s.yaml")
    assert ended.code == 2
    assert "exists already" in ended.err
    assert (tmp_path / "s.yaml").read_text() == "mine"
    assert cli("init", "--out", tmp_path / "no" / "s.yaml").code == 2


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        (["--data", "digts"], "did you mean digits?"),
        (["--data", "/not/there"], "neither a folder"),
        (["--budget", "soon"], "a duration (2h)"),
        (["--space", "nasbench"], "nasbench201"),
        (["--workflow", "retrain"], "add --schema"),
    ],
)
def test_init_refuses_what_would_not_load(cli, words, needle):
    ended = cli("init", *words)
    assert (ended.code, ended.out) == (2, "")
    assert needle in ended.err


def test_init_prints_the_schema_of_every_workflow(cli):
    assert json.loads(cli("init", "--schema").out) == SearchSettings.model_json_schema()
    for workflow in HOMES:
        printed = json.loads(cli("init", "--schema", "--workflow", workflow).out)
        assert printed == run_class(workflow).SETTINGS.model_json_schema()
    wrong = cli("init", "--schema", "--workflow", "retrian")
    assert wrong.code == 2
    assert "did you mean retrain?" in wrong.err


def test_doctor_tells_versions_cores_and_disk(cli, tmp_path):
    ended = cli("doctor", "--json", "--out", tmp_path / "runs" / "later")
    found = json.loads(ended.out)
    assert ended.code == 0
    assert found["ok"]
    assert found["problems"] == []
    assert found["required"]["numpy"] == version("numpy")
    assert found["cores"] == len(os.sched_getaffinity(0))
    assert found["free_bytes"] == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert found["devices"][0]["device"] == "cpu"
    assert "ready to search" in cli("doctor").out


def test_doctor_names_what_is_missing_and_how_to_get_it(cli, monkeypatch):
    monkeypatch.setattr(doctor, "REQUIRED", ("numpy", "no-such-package", "torch"))
    monkeypatch.setattr(doctor, "OPTIONAL", {"no-such-extra": "something nice"})
    ended = cli("doctor")
    assert ended.code == 2
    assert "no-such-package is missing; run: pip install no-such-package" in ended.out
    assert "no-such-extra, needed for something nice; to have it: pip install no-such-extra" in ended.out


def test_doctor_refuses_an_out_that_is_no_folder(cli, tmp_path):
    (tmp_path / "file").write_text("")
    ended = cli("doctor", "--out", tmp_path / "file" / "runs")
    assert ended.code == 2
    assert "is not a folder" in ended.out
