"""``ranknosh retrain``: real trainings of the embedded digits, interrupted and continued, and every kind of wrong input."""

import json
import os
import shutil
import signal

import pytest

import ranknosh
from ranknosh.cli.retrain import settings_of
from ranknosh.runs.events import silent
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.streams import stream
from ranknosh.workflows import open_run
from ranknosh.workflows.retrain import preset, retrain
from tests.image_sets import load
from tests.processes import output_of, wait_for_lines

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
GENOTYPE = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[2], "
    "reduce=[('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=[2])"
)
QUICK = [
    "--preset",
    "tiny",
    "--data",
    "digits",
    "--epochs",
    "2",
    "--set",
    "space.channels=4",
    "--set",
    "train.threads=1",
]
LONG = [*QUICK[:4], "--epochs", "30", "--set", "space.channels=8", "--set", "train.threads=1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, run_process):
    """The folder ``runs/whole`` of a retraining that ran to its end in a process of its own, and what it printed."""
    home = tmp_path_factory.mktemp("trained")
    ended = run_process("retrain", CELL, *QUICK, "--name", "whole", cwd=home)
    assert ended.code == 0, ended.err
    return home / "runs" / "whole", ended


def error(ended, code):
    assert ended.code == code, ended
    (found,) = ended.err.splitlines(keepends=True)
    assert found.startswith("error: ")
    return found


def test_it_ends_with_accuracies_size_time_and_report(trained):
    folder, ended = trained
    result = open_run(folder).result
    for text in (
        CELL,
        f"test        accuracy {100 * result.test['accuracy']:.2f} %, loss {result.test['loss']:.4g} nats (read once, ",
        f"validation  accuracy {100 * result.metrics['accuracy']:.2f} %",
        "2 epochs of recipe tiny",
        "runs/whole/report.html",
        "runs/whole/best/weights.safetensors",
        "next        ranknosh export runs/whole   takes it home",
    ):
        assert text in ended.out
    assert "run folder runs/whole" in ended.err
    assert "retraining epoch 2 of 2: train loss" in ended.err
    assert "\x1b" not in ended.err


def test_without_a_preset_one_is_chosen_and_its_reason_said(cli, tmp_path):
    words = [*QUICK[2:], "--set", "space.cells=1", "--device", "cpu", "--epochs", "1", "--out", tmp_path]
    ended = cli("retrain", CELL, *words)
    assert ended.err.startswith("preset small: no GPU trains here")
    assert "1 epoch of recipe small" in ended.out
    assert cli("retrain", CELL, *words, "--json").err == ""


def test_json_and_the_kept_config(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [
        "--set",
        "train.all_data=yes",
        "--set",
        "train.channels_last=false",
        "--set",
        "space.cells=3",
        "--seed",
        "5",
    ]
    ended = cli("retrain", GENOTYPE, *QUICK, *words, "--json")
    assert ended.code == 0
    assert ended.err == ""
    found = json.loads(ended.out)
    assert (found["space"], found["epochs"], found["seed"], found["preset"]) == ("darts", 2, 5, "tiny")
    assert (found["trained_on_validation"], found["metrics"]) == (True, {})
    assert found["folder"] == "runs/retrain-001"
    config = open_run(tmp_path / found["folder"]).settings
    assert (config.space.make().cells, config.space.make().channels, config.train.epochs) == (3, 4, 2)
    assert (config.train.auxiliary, config.train.threads, config.data.name, config.split_seed) == (0.4, 1, "digits", 0)
    again = cli("resume", found["folder"])
    assert "n/a: its" in again.out
    assert "examples were trained on" in again.out
    assert json.loads(cli("resume", found["folder"], "--json").out) == found


def test_the_best_of_a_search_is_trained_on_its_images(cli, searched, tmp_path):
    folder, _ = searched
    words = [*QUICK[:2], *QUICK[4:], "--out", tmp_path, "--name", "a", "--json", "--epochs", "1"]
    found = json.loads(cli("retrain", folder, *words).out)
    assert found["architecture"] == (folder / "best" / "genotype.txt").read_text().strip()
    mine = open_run(tmp_path / "a").header
    searched_data = open_run(folder).header.data
    assert mine.data["fingerprint"] == searched_data["fingerprint"]
    more = json.loads(
        cli("retrain", tmp_path / "a", *words[:-5], "--name", "b", "--seed", "1", "--json", "--quiet").out
    )
    assert more["architecture"] == found["architecture"]
    assert open_run(tmp_path / "b").header.data["fingerprint"] == mine.data["fingerprint"]


def test_the_data_option_takes_the_place_of_the_run_s_images(cli, trained, tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez("own.npz", images=pixels, labels=np.arange(60) % 3)
    words = [*QUICK[:2], "--data", "own.npz", *QUICK[4:], "--json"]
    found = json.loads(cli("retrain", trained[0], *words).out)
    assert sum(found["examples"].values()) == 60


def test_one_that_has_ended_is_shown_again_and_its_report_can_be_written(cli, trained, tmp_path):
    folder = tmp_path / "whole"
    shutil.copytree(trained[0], folder)
    (folder / "report.html").unlink()
    before = (folder / "journal.jsonl").read_bytes()
    ended = cli("resume", folder)
    assert ended.code == 0
    assert "has ended already" in ended.err
    assert ended.out.splitlines()[:4] == trained[1].out.splitlines()[:4]
    assert (folder / "journal.jsonl").read_bytes() == before
    assert cli("report", folder).code == 0
    assert "<svg" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("setting", "needle"),
    [
        ("train.epochs=9", "train.epochs was 2"),
        ("train.lr=0.5", "train.lr was 0.1"),
        ("seed=3", "seed was 0"),
        ("preset=small", "preset was 'tiny'"),
        ("architecture=another", "architecture was '|nor_conv_3x3~0|"),
    ],
)
def test_changed_settings_on_resume_are_refused_with_the_field_named(cli, trained, setting, needle):
    assert needle in error(cli("resume", trained[0], "--set", setting), 2)


def test_other_images_on_resume_are_refused(cli, trained):
    ended = cli("resume", trained[0], "--set", "data.limit=50")
    assert "the data are not those this run began with" in error(ended, 4)


def test_an_edited_config_is_refused_and_a_second_run_of_a_name_too(cli, trained, tmp_path):
    folder = tmp_path / "whole"
    shutil.copytree(trained[0], folder)
    assert "holds a run already" in error(cli("retrain", CELL, *QUICK, "--out", tmp_path, "--name", "whole"), 2)
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("weight_decay: 0.0005", "weight_decay: 0.5"))
    assert "train.weight_decay was 0.0005" in error(cli("resume", folder), 2)


@pytest.mark.parametrize(
    ("words", "code", "needle"),
    [
        ([], 2, "nothing to retrain"),
        (["|nor_conv_3x3~0|+|"], 2, "cannot read"),
        ([CELL.replace("avg_pool", "ave_pool")], 2, "did you mean avg_pool_3x3"),
        ([GENOTYPE.replace("sep_conv", "sepp_conv")], 2, "sepp_conv_3x3"),
        ([GENOTYPE[:-20]], 2, "cannot read the genotype"),
        (["none.txt"], 2, "neither an architecture nor a file"),
        (["."], 4, "holds no architecture"),
        ([CELL, "--data", "nothing"], 2, "it must be one of cluttered_digits"),
        ([CELL, "--data", "none.npz", "--preset", "tiny"], 4, "none.npz"),
        ([CELL, "--set", "train.learning=1"], 2, "is not a setting"),
        ([CELL, "--epochs", "0"], 2, "train.epochs is 0"),
        ([CELL, "--set", "train.augment=flip"], 2, "crop_flip"),
        ([CELL, "--device", "cuda:77", "--preset", "tiny"], 2, "cuda:77"),
        ([CELL, "--out", "file/runs", "--preset", "tiny"], 4, "--out"),
    ],
)
def test_what_cannot_be_retrained(cli, tmp_path, monkeypatch, words, code, needle):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert needle in error(cli("retrain", *words), code)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on_and_kill_9_loses_nothing(tmp_path, start_process, run_process):
    straight = run_process("retrain", CELL, *LONG, "--name", "straight", "--json", cwd=tmp_path)
    assert straight.code == 0, straight.err
    child = start_process("retrain", CELL, *LONG, "--name", "cut", cwd=tmp_path)
    journal = tmp_path / "runs" / "cut" / "journal.jsonl"
    wait_for_lines(journal, 4, child)
    child.send_signal(signal.SIGINT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert err.endswith("Resume with: ranknosh resume runs/cut\n")
    assert "Traceback" not in err
    done = journal.read_bytes().count(b"\n")
    child = start_process("resume", "runs/cut", cwd=tmp_path)
    wait_for_lines(journal, done + 3, child)
    os.kill(child.pid, signal.SIGKILL)
    output_of(child)
    ended = run_process("resume", "runs/cut", cwd=tmp_path)
    assert ended.code == 0, ended.err
    first, second = json.loads(straight.out), open_run(tmp_path / "runs" / "cut").top(1)[0]
    del first["folder"], first["preset"], first["device_seconds"], second["device_seconds"]
    assert first == second


def test_images_given_from_python_are_asked_for_there(cli, tmp_path):
    recipe = preset("tiny", NasBench201()).replace(["train.epochs=2", "space.channels=2", "train.threads=1"])
    with pytest.raises(KeyboardInterrupt):
        retrain(NasBench201().parse(CELL), load("digits"), recipe, tmp_path / "api", stop=StopRequest(lambda: True))
    assert "were given from Python" in error(cli("resume", tmp_path / "api"), 4)


def test_rows_are_trained_by_a_preset_for_pictures_unless_its_augmentation_is_asked_for(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = get_space("mlp")
    text = space.format(space.sample(stream(0, "rows")))
    words = ["retrain", text, "--preset", "small", "--data", "wine", "--epochs", "1"]
    ended = cli(*words)
    assert ended.code == 0, ended.err
    assert "wine are not augmented as the preset small says for pictures" in ended.err
    assert open_run(tmp_path / "runs" / "retrain-001").header.facts["augment"] == "none"
    assert "changes pictures, and the inputs are numbers" in error(
        cli(*words, "--set", "train.augment=crop_flip", "--quiet"), 4
    )


def test_what_has_no_recipe_is_trained_as_it_was_found_for_as_long_as_the_preset_says(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = ranknosh.search(
        space="mlp",
        data="diabetes",
        budget=2,
        name="found",
        pyramid={"epochs": [1], "initial": 2},
        seeding={"proxies": []},
        train={"lr": 0.03, "grad_clip": 1.0, "batch": 16, "ema": 0.9, "metric": "ema_rmse"},
        events=silent,
    )
    found = settings_of(str(run.folder), "tiny", []).train
    assert (found.lr, found.grad_clip, found.batch, found.metric) == (0.03, 1.0, 16, "ema_rmse")
    assert (found.epochs, found.all_data) == (8, False)
    assert settings_of(str(run.folder), "cifar", []).train.all_data is True
    ended = cli("retrain", run.folder, "--preset", "tiny", "--epochs", "1")
    assert ended.code == 0, ended.err
    assert "examples, while they were learned" in ended.out


def test_the_best_few_of_a_search_are_trained_with_seeds_and_one_is_kept(cli, searched, tmp_path):
    folder, _ = searched
    few = ["--preset", "tiny", "--epochs", "1", "--set", "space.channels=4", "--set", "train.threads=1"]
    words = [*few, "--top", "2", "--seeds", "2", "--budget", "9h", "--out", tmp_path, "--name", "f"]
    ended = cli("retrain", folder, *words, "--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    best = [row["architecture"] for row in json.loads(cli("top", folder, "-n", "2", "--json").out)]
    run = open_run(tmp_path / "f")
    assert list(run.settings.architectures) == best
    assert (run.settings.seeds, run.settings.budget.time, run.settings.data) == (
        2,
        9 * 3600.0,
        open_run(folder).settings.data,
    )
    assert len(found["rows"]) == 2
    assert {each["seed"] for row in found["rows"] for each in row["runs"]} == {0, 1}
    assert found["picked"]["test"] == run.state.picked.test
    assert (tmp_path / "f" / "report.html").exists()
    again = cli("resume", tmp_path / "f")
    for text in (
        f"#{found['picked']['id']}, seed {found['picked']['seed']}: ",
        "read once, by the training",
        "recipe tiny",
        f"ranknosh export {tmp_path / 'f'}   takes it home",
    ):
        assert text in again.out
    assert json.loads(cli("resume", tmp_path / "f", "--json").out) == found
    kept = cli("retrain", tmp_path / "f", *few, "--out", tmp_path, "--name", "g", "--json")
    assert json.loads(kept.out)["architecture"] == found["rows"][0]["architecture"]


def test_finals_that_cannot_be_are_refused(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "is one architecture, and 3 are wanted; give a run folder" in error(cli("retrain", CELL, "--top", "3"), 2)
    all_data = error(cli("retrain", CELL, *QUICK, "--seeds", "2", "--set", "train.all_data=yes"), 2)
    assert "train.all_data is true, which leaves no validation examples" in all_data
    assert "--budget soon" in error(cli("retrain", CELL, *QUICK, "--budget", "soon"), 2)
    assert not (tmp_path / "runs").exists()
