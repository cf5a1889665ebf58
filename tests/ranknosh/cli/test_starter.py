"""``init`` prints configs that load, and ``doctor`` tells what is there."""

import json
import os
import shutil
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from ranknosh.cli import doctor
from ranknosh.config.search import SearchSettings
from ranknosh.training.timing import Timed, Timing
from ranknosh.workflows import HOMES, run_class
from ranknosh.workflows.search import starting, suggesting

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Small data behind every door, in the working directory."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for home in ("images", "my images"):
        for index in range(20):
            at = tmp_path / home / ("cat", "dog")[index % 2]
            at.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw.integers(0, 256, (12, 12, 3)).astype(np.uint8)).save(at / f"{index}.png")
    with zipfile.ZipFile("pictures.zip", "w") as packed:
        for file in sorted((tmp_path / "images").rglob("*.png")):
            packed.write(file, file.relative_to(tmp_path / "images"))
    np.savez("1.npz", x=draw.normal(size=(40, 5)), y=draw.normal(size=40))
    text = "import numpy as np\ndef rows():\n    return np.arange(120.0).reshape(30, 4), np.arange(30) % 3\n"
    (tmp_path / "rows_of_mine.py").write_text(text)


@pytest.mark.parametrize("data", ["cluttered_digits", "digits", "images", "my images", "pictures.zip", "1.npz"])
@pytest.mark.parametrize(
    ("budget", "limits"), [("190", {"epochs": 190}), ("2h", {"time": "2h"}), ("3gpuh", {"device_time": "3gpuh"})]
)
def test_what_init_prints_loads_and_says_what_was_asked(cli, sets, monkeypatch, data, budget, limits):
    timed = Timing((Timed(10, 1.0, 0.01, 1000, 0.1),), (1.0, 1.0))
    monkeypatch.setattr(starting, "measure", lambda *given, **more: timed)
    monkeypatch.setattr(suggesting, "_threads", lambda: suggesting.Suggested(1, "busy"))
    ended = cli("init", "--data", data, "--budget", budget, "--out", "s.yaml")
    assert ended.code == 0, ended.err
    config = SearchSettings.load("s.yaml")
    assert data in (config.data.name, config.data.folder, config.data.npz)
    same = SearchSettings.from_dict({"budget": limits, "data": {"name": "digits"}}).budget
    assert config.budget == same
    text = (Path("s.yaml")).read_text()
    assert "for training / validation / test" in text
    assert "@" not in text
    assert max(map(len, text.splitlines())) <= 130
    found = json.loads(cli("init", "--data", data, "--budget", budget, "--json").out)
    assert found["decided"]["train.threads"] == {"value": 1, "reason": "busy"}
    assert found["decided"]["pyramid.epochs"]["value"] == list(config.pyramid.epochs)
    assert sum(found["found"]["examples"].values()) in (4000, 1797, 20, 40, 6000)
    assert (found["plan"] is None) == ("epochs" in limits)


@pytest.mark.parametrize("out", [(), ("--out", "s.yaml")])
def test_init_says_what_it_chose_where_the_config_is_not_shown(cli, sets, out):
    for index in range(20):
        place = Path("images", ("cat", "dog")[index % 2], f"{index}.png")
        Image.open(place).resize((100, 80)).save(place)
    ended = cli("init", "--data", "images", "--budget", "190", *out)
    assert "100x80 -> 64x64" in ended.err
    assert "pictures of 3x64x64, 12 / 4 / 4 for training / validation / test" in ended.err
    assert cli("init", "--data", "images", "--budget", "190", "--json").err == ""


def test_init_on_a_full_disk_leaves_no_file_that_stands_in_the_way_of_the_next_try(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("full").symlink_to("/dev/full")
    with monkeypatch.context() as patch:
        patch.setattr("ranknosh.runs.files.temporary_path", lambda path: tmp_path / "full")
        ended = cli("init", "--out", "s.yaml")
    assert (ended.code, Path("s.yaml").exists()) == (2, False)
    assert "s.yaml cannot be written: No space left on device; give another place with --out" in ended.err
    assert cli("init", "--out", "s.yaml").code == 0


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
        (["--budget", "soon"], "a duration (2h)"),
        (["--space", "nasbench"], "nasbench201"),
        (["--workflow", "retrain"], "add --schema"),
    ],
)
def test_init_refuses_what_would_not_load(cli, words, needle):
    ended = cli("init", *words)
    assert (ended.code, ended.out) == (2, "")
    assert needle in ended.err


@pytest.mark.parametrize("data", ["rows_of_mine:rows", "rows_of_mine.py:rows"])
def test_a_function_of_ones_own_is_looked_at_too(cli, sets, monkeypatch, data):
    monkeypatch.delitem(sys.modules, "rows_of_mine", raising=False)
    ended = cli("init", "--data", data, "--budget", "190")
    sys.modules.pop("rows_of_mine", None)
    assert ended.code == 0, ended.err
    assert f"name: {json.dumps(data)}" in ended.out
    assert "numbers of 4, 18 / 6 / 6" in ended.out
    assert "space: {name: mlp}" in ended.out


@pytest.mark.parametrize(
    ("data", "needle"),
    [
        ("/not/there", "does not exist"),
        ("images/cat", "lies in no class folder"),
        ("cifar10", "set data.root"),
        ("broken.npz", "is no .npz archive"),
        ("none.npz", "broken.npz"),
    ],
)
def test_data_that_cannot_be_read_are_one_clear_error(cli, sets, data, needle):
    Path("broken.npz").write_bytes(b"no archive")
    ended = cli("init", "--data", data)
    assert (ended.code, ended.out) == (4, "")
    assert needle in ended.err
    assert ended.err.count("error:") == 1


def test_a_budget_that_holds_no_search_is_refused(cli, sets):
    ended = cli("init", "--data", "images", "--budget", "1")
    assert (ended.code, ended.out) == (3, "")
    assert "before which nothing can be ranked" in ended.err


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
