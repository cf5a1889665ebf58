"""``ranknosh export`` and ``ranknosh predict`` on a real search, and the way from a folder of pictures to an answer."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ranknosh.workflows import open_run
from tests.image_sets import load
from tests.pictures import save_pictures


@pytest.fixture
def copied(searched, tmp_path):
    """A copy of the search's folder, to be changed."""
    folder = tmp_path / "run"
    shutil.copytree(searched[0], folder)
    return folder


@pytest.fixture(scope="module")
def exported(searched, tmp_path_factory):
    """The best network of the search, exported from Python."""
    folder = tmp_path_factory.mktemp("exported") / "model"
    return open_run(searched[0]).export(out=folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three digits as PNG files, with their labels."""
    image = pytest.importorskip("PIL.Image")
    test = load("digits").test
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        image.fromarray(test.inputs[number, 0].numpy()).save(folder / f"{number}.png")
    return folder, test.inputs[:3]


def one_message(ended, code):
    assert ended.code == code, ended
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    return ended.err


def test_export_says_what_was_checked_and_leaves_the_files(cli, searched, tmp_path):
    ended = cli("export", searched[0], "--to", "py,card", "--out", tmp_path / "model")
    assert ended.code == 0, ended.err
    run = open_run(searched[0])
    for said in (
        f"candidate {run.best.id}: {run.best.text}",
        "a process without ranknosh ran 150 validation examples",
        f"{100 * run.best.metrics['accuracy']:.2f} %",
        "as in the run",
        f"python {tmp_path / 'model' / 'model.py'} FILE",
    ):
        assert said in ended.out
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["metrics"]["validation"] == run.best.metrics
    assert card["metrics"]["test"] == run.pool.tested[0].metrics
    assert card["run"] == run.header.id


def test_json_is_what_python_gets(cli, searched, tmp_path):
    said = json.loads(cli("export", searched[0], "--to", "genotype", "--out", tmp_path / "cell", "--json").out)
    assert said["files"] == ["genotype.txt"]
    assert said["own"] is None
    assert said["proof"]["difference"] <= 1e-5


def test_data_are_read_where_the_user_says_they_are(cli, searched, pictures, tmp_path):
    words = ["--set", f"data.npz={tmp_path / 'moved.npz'}"]
    for verb in (["export", searched[0], "--out", tmp_path / "model"], ["predict", searched[0], pictures[0]]):
        assert "moved.npz does not exist" in one_message(cli(*verb, *words), 4)
    assert "lr was" in one_message(cli("export", searched[0], "--set", "train.lr=3", "--out", tmp_path / "model"), 2)
    assert not (tmp_path / "model").exists()


def test_a_candidate_is_chosen_by_number_and_by_conditions(cli, searched, tmp_path):
    run = open_run(searched[0])
    other = run.leaderboard()[2]
    said = cli("export", searched[0], "--candidate", other.id, "--to", "genotype", "--out", tmp_path / "one")
    assert f"candidate {other.id}: {other.text}" in said.out
    smallest = min(run.leaderboard(), key=lambda each: each.costs["params"])
    words = ("--where", f"params <= {smallest.costs['params']:.0f}", "--to", "genotype", "--out", tmp_path / "two")
    assert f": {smallest.text}\n" in cli("export", searched[0], *words).out


def test_what_cannot_be_exported_is_one_message(cli, searched, copied, tmp_path):
    folder = searched[0]
    out = ("--out", tmp_path / "model")
    assert "unknown format 'onx'" in one_message(cli("export", folder, "--to", "py,onx", *out), 2)
    assert "--candidate 999 is no candidate" in one_message(cli("export", folder, "--candidate", "999", *out), 2)
    assert "both choose" in one_message(cli("export", folder, "--candidate", "1", "--where", "params <= 1M", *out), 2)
    assert "no candidate of" in one_message(cli("export", folder, "--where", "params <= 1", *out), 2)
    assert "is not an empty folder" in one_message(cli("export", folder, "--out", folder), 2)
    assert cli("export", tmp_path / "nothing", *out).code == 4
    best = open_run(copied).best.id
    shutil.rmtree(copied / "checkpoints")
    assert f"the checkpoint of candidate {best} is not in" in one_message(cli("export", copied, *out), 4)
    assert not (tmp_path / "model").exists()


def test_predict_answers_pictures_with_the_run_and_without_it(cli, searched, exported, pictures):
    folder, inputs = pictures
    network, run = exported.folder, searched[0]
    alone = json.loads(cli("predict", network, folder, "--top", "2", "--json").out)
    assert [row["input"] for row in alone] == [str(folder / f"{number}.png") for number in range(3)]
    assert json.loads(cli("predict", run, folder, "--top", "2", "--json").out) == alone
    found = open_run(run).finished()
    shares = found.outputs(inputs).softmax(1)
    for row, wanted in zip(alone, shares, strict=True):
        best = wanted.topk(2)
        assert [int(each["class"]) for each in row["classes"]] == best.indices.tolist()
        np.testing.assert_allclose([each["probability"] for each in row["classes"]], best.values, atol=1e-5)
    words = cli("predict", network, folder / "0.png").out
    assert "class 1" in words
    assert alone[0]["classes"][0]["class"] in words


def test_predict_reads_npz_and_writes_csv(cli, exported, pictures, tmp_path):
    _, inputs = pictures
    np.savez(tmp_path / "digits.npz", images=inputs.numpy())
    ended = cli("predict", exported.folder, tmp_path / "digits.npz", "--top", "1", "--out", tmp_path / "found.csv")
    assert ended.code == 0, ended.err
    rows = list(csv.DictReader((tmp_path / "found.csv").open()))
    assert [row["input"] for row in rows] == [f"{tmp_path / 'digits.npz'}[{number}]" for number in range(3)]
    assert set(rows[0]) == {"input", "class 1", "probability 1"}


def test_predict_refuses_what_it_cannot_answer(cli, exported, pictures, tmp_path):
    folder, _ = pictures
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "rows.csv").write_text("1,2\n")
    np.savez(tmp_path / "large.npz", inputs=np.zeros((2, 9, 9, 1), np.uint8))
    for words, said in (
        ([tmp_path / "none.png"], "does not exist"),
        ([tmp_path / "empty"], "holds no image file"),
        ([tmp_path / "broken.png"], "broken.png cannot be read"),
        ([tmp_path / "rows.csv"], "takes pictures: give image files or .npz"),
        ([tmp_path / "large.npz"], "inputs of shape (1, 9, 9)"),
    ):
        assert said in one_message(cli("predict", exported.folder, *words), 4)
    assert "holds no run and no model.py" in one_message(cli("predict", folder, folder), 4)
    assert "leave out --candidate" in one_message(cli("predict", exported.folder, folder, "--candidate", "1"), 2)


def test_a_changed_weight_file_is_refused(cli, exported, pictures, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(exported.folder, place)
    weights = bytearray((place / "weights.safetensors").read_bytes())
    weights[-3] ^= 8
    (place / "weights.safetensors").write_bytes(weights)
    assert "was changed or is another model's" in one_message(cli("predict", place, pictures[0]), 4)


def test_search_names_what_comes_next(searched):
    _, ended = searched
    assert "ranknosh retrain runs/whole" in ended.out
    assert "ranknosh export runs/whole" in ended.out


@pytest.mark.slow
def test_from_a_folder_of_pictures_to_an_answer(run_process, tmp_path):
    """Three commands, and then ``model.py`` and ONNX answer a picture without ranknosh."""
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    save_pictures(tmp_path / "photos", load("digits", limit=200, validation_limit=100, test_limit=50))
    made = run_process("init", "--data", "photos", "--budget", "20", "--out", "search.yaml", cwd=tmp_path)
    assert made.code == 0, made.err
    found = run_process("search", "search.yaml", "--name", "found", "-q", cwd=tmp_path)
    assert found.code == 0, found.err
    ended = run_process("export", "runs/found", "--to", "py,onnx,card", "--out", "model", cwd=tmp_path)
    assert ended.code == 0, ended.err
    picture = next((tmp_path / "photos" / "test").rglob("*.png"))
    command = [sys.executable, "-I", "model/model.py", picture]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    answered = run_process("predict", "model", picture, "--json", cwd=tmp_path)
    likeliest = json.loads(answered.out)[0]["classes"][0]["class"]
    assert said.startswith(f"{picture}: {likeliest} ")
    session = onnxruntime.InferenceSession(str(tmp_path / "model" / "model.onnx"), providers=["CPUExecutionProvider"])
    image = pytest.importorskip("PIL.Image").open(picture)
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    pixels = np.asarray(image.resize(card["inputs"]["shape"][:0:-1]))
    pixels = np.broadcast_to(pixels, card["inputs"]["shape"])[None].copy()
    (logits,) = session.run(None, {"inputs": pixels})
    assert card["classes"][int(logits.argmax())] == likeliest
