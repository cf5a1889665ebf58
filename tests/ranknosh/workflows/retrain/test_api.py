"""ranknosh/workflows/retrain/api.py: whole retrainings of real images, in memory and in run folders."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.events import Ended, Opened
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature
from ranknosh.training import epoch
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.workflows import open_run
from ranknosh.workflows.retrain import Retrained, RetrainFailed, RetrainRun, read_found, retrain
from tests.processes import run_python
from tests.ranknosh.workflows.retrain.retrain_samples import (
    CELL,
    GENOTYPE,
    TWO_NODES,
    Heard,
    a_recipe,
    assert_same_end,
    quadrants,
    untimed,
)

ROOT = Path(__file__).parents[4]
KILLED = """
import os, signal
from ranknosh.workflows.retrain import retrain
from ranknosh.runs.events import Progress
from ranknosh.training import rung
from tests.ranknosh.workflows.retrain.retrain_samples import GENOTYPE, a_recipe, quadrants
from tests.networks import network_of

rung.SAVE_EVERY_SECONDS = {save_every}

def killer(event):
    if isinstance(event, Progress) and event.done > 2 and event.text == "step 2 of 3":
        os.kill(os.getpid(), signal.SIGKILL)

retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), {folder!r}, seed=3, events=killer)
"""


@pytest.fixture(autouse=True)
def without_report(monkeypatch):
    """Pages take longer than the trainings; ``whole`` is made before this holds, and has one."""
    monkeypatch.setattr(RetrainRun, "report_if_possible", lambda run, events: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A retraining that ran through, with augmentation, drop-path and the auxiliary head; its folder and result."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    heard = Heard()
    recipe = a_recipe("train.augment=crop_flip_cutout")
    return folder, retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, events=heard), heard


def test_what_comes_of_it(whole):
    folder, result, heard = whole
    assert [line.epoch for line in heard.lines] == [1, 2, 3]
    assert heard.steps == [(epoch + step / 3, f"step {step} of 3") for epoch in (0, 1, 2) for step in (1, 2, 3)]
    assert result.epochs == 3
    assert result.examples == {"train": 96, "validation": 40, "test": 36}
    assert (result.space, result.seed, result.device, result.trained_on_validation) == ("darts", 3, "cpu", False)
    assert result.metrics["accuracy"] == heard.lines[-1].metrics["accuracy"]
    assert result.device_seconds > sum(line.seconds for line in heard.lines)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"config.yaml", "journal.jsonl", "genotype.txt", "report.html", "best/card.json"} <= left
    run = open_run(folder)
    assert run.result == result
    assert run.state.curve == heard.lines
    assert run.page() == (folder / "report.html").read_text()
    assert Retrained(**json.loads(json.dumps(dataclasses.asdict(result)))) == result


def test_the_kept_weights_give_the_reported_test_accuracy(whole):
    safetensors = pytest.importorskip("safetensors.torch")
    folder, result, _ = whole
    card = json.loads((folder / "best" / "card.json").read_text())
    shapes = Signature(tuple(card["signature"]["inputs"]), tuple(card["signature"]["outputs"]))
    net = get_space(**card["space"]).network(GENOTYPE, shapes)
    net.load_state_dict(safetensors.load_file(folder / "best" / "weights.safetensors"))
    net.eval()
    test, right = quadrants().test, 0
    for image, label in zip(test.inputs, test.targets, strict=True):
        mean, std = (torch.tensor(card["preparation"][name])[:, None, None] for name in ("mean", "std"))
        pixels = (image.double() / 255 - mean) / std
        with torch.no_grad():
            right += int(net(pixels.float()[None]).argmax() == label)
    assert result.test["accuracy"] == right / 36
    assert sum(p.numel() for p in net.parameters()) == result.costs["params"] == card["costs"]["params"]


@pytest.mark.parametrize("save_every", [0, 1000])
@pytest.mark.slow
def test_killed_in_the_middle_and_resumed_it_ends_with_the_same_bits(whole, tmp_path, save_every):
    folder = tmp_path / "killed"
    script = KILLED.format(folder=str(folder), save_every=save_every)
    ended = run_python("-c", script)
    assert ended.returncode == -9, ended.stderr
    assert [line.epoch for line in open_run(folder).state.curve] == [1, 2]
    assert CheckpointStore(folder / "checkpoints").epoch(0) == (2 if save_every == 0 else None)
    heard = Heard()
    result = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), folder, seed=3, events=heard)
    assert [line.epoch for line in heard.lines] == ([3] if save_every == 0 else [1, 2, 3])
    assert untimed(result) == untimed(whole[1])
    assert_same_end(folder, whole[0])


def test_a_damaged_or_foreign_checkpoint_is_set_aside_and_trained_again(whole, tmp_path):
    recipe, heard = a_recipe("train.augment=crop_flip_cutout"), Heard()
    folders = [tmp_path / name for name in ("mine", "other")]
    for folder, seed in zip(folders, (3, 4), strict=True):
        with pytest.raises(KeyboardInterrupt):
            retrain(GENOTYPE, quadrants(), recipe, folder, seed=seed, stop=StopRequest(lambda: True))
    mine, other = (folder / "checkpoints" / "0" for folder in folders)
    shutil.rmtree(mine)
    shutil.copytree(other, mine)
    result = retrain(GENOTYPE, quadrants(), recipe, folders[0], seed=3, events=heard)
    assert any(
        "belongs to another training (its seed is 4, expected is 3), renamed to damaged-*" in m for m in heard.messages
    )
    assert untimed(result) == untimed(whole[1])
    assert_same_end(folders[0], whole[0])
    state = next(other.glob("state-*"))
    state.write_bytes(state.read_bytes()[:-9])
    retrain(GENOTYPE, quadrants(), recipe, folders[1], seed=4, events=heard)
    assert "is damaged" in heard.messages[-1]


def test_epochs_that_were_saved_and_not_written_down_are_written_down_later(whole, tmp_path):
    folder, heard = tmp_path / "run", Heard()
    shutil.copytree(whole[0], folder)
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]))  # header, session, epoch 1
    result = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), folder, seed=3, events=heard)
    assert heard.steps == []  # nothing is trained again
    assert untimed(result) == untimed(whole[1])
    assert open_run(folder).state.curve == open_run(whole[0]).state.curve


def test_the_cell_of_a_run_is_read_from_its_journal(whole):
    found = read_found(str(whole[0]))
    assert (found.architecture, found.run.folder) == (GENOTYPE, whole[0])
    assert found.space.format(GENOTYPE) == found.run.result.architecture


def test_in_memory_it_is_the_same_training_and_nothing_else_changes(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(RetrainRun, "report_if_possible", lambda run, events: pytest.fail("a page that cannot be read"))
    torch.manual_seed(11)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    events = []
    result = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), seed=3, events=events.append)
    assert list(tmp_path.iterdir()) == []  # nothing stays, and no event names a folder that is gone
    assert not any(isinstance(event, Opened | Ended) for event in events)
    assert untimed(result) == untimed(whole[1])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    other = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), seed=4)
    assert other.train_loss != result.train_loss


def test_one_that_has_ended_gives_its_result_at_once(whole):
    folder, result, _ = whole
    before, heard = (folder / "journal.jsonl").read_bytes(), Heard()
    again = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), folder, seed=3, events=heard)
    assert again == result
    assert heard.lines == []
    assert "has ended already (all 3 epochs are trained)" in heard.messages[0]
    assert (folder / "journal.jsonl").read_bytes() == before


def test_another_retraining_in_its_folder_is_refused_with_the_field_named(whole):
    folder, _, _ = whole
    recipe = a_recipe("train.augment=crop_flip_cutout")
    for chosen, words in (
        ((GENOTYPE, quadrants(), recipe.replace(["train.lr=0.3"]), folder, 3), "train.lr was 0.05"),
        ((GENOTYPE, quadrants(), recipe.replace(["train.epochs=4"]), folder, 3), "train.epochs was 3"),
        ((GENOTYPE, quadrants(), recipe, folder, 5), "seed was 3"),
        ((TWO_NODES.of((0,) * 12), quadrants(), recipe, folder, 3), "architecture was .Genotype"),
    ):
        with pytest.raises(ConfigError, match=words):
            retrain(*chosen[:4], seed=chosen[4])
    with pytest.raises(DataError, match="not those this run began with"):
        retrain(GENOTYPE, quadrants(seed=1), recipe, folder, seed=3)


def test_a_stop_saves_and_the_rest_is_done_later(whole, tmp_path):
    folder, asked = tmp_path / "stopped", []
    recipe = a_recipe("train.augment=crop_flip_cutout")

    def stop():
        asked.append(1)
        return True

    with pytest.raises(KeyboardInterrupt):
        retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, stop=StopRequest(stop))
    assert len(asked) == 1
    assert CheckpointStore(folder / "checkpoints").epoch(0) == 1
    left = open_run(folder)
    assert (left.result, left.ended, left.exit_code) == (None, False, 5)
    heard = Heard()
    assert untimed(retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, events=heard)) == untimed(whole[1])
    assert [line.epoch for line in heard.lines] == [2, 3]
    assert len(open_run(folder).sessions) == 2


def test_a_setting_that_is_free_takes_effect_when_it_is_resumed(whole, tmp_path):
    folder, recipe = tmp_path / "run", a_recipe("train.augment=crop_flip_cutout")
    with pytest.raises(KeyboardInterrupt):
        retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, stop=StopRequest(lambda: True))
    patient = recipe.replace(["train.divergence_factor=77"])
    assert untimed(retrain(GENOTYPE, quadrants(), patient, folder, seed=3)) == untimed(whole[1])
    run = open_run(folder)
    assert run.sessions[1].changes == {"train.divergence_factor": 77}
    assert run.settings.train.divergence_factor == 77


def test_all_images_are_trained_on_and_validation_is_not_told():
    heard = Heard()
    result = retrain(CELL, quadrants(), a_recipe("train.all_data=true", space="nasbench201"), seed=0, events=heard)
    assert result.trained_on_validation
    assert result.examples["train"] == 96 + 40
    assert result.metrics == {}
    assert heard.steps[0] == (1 / 5, "step 1 of 5")  # 136 images in batches of 32


def test_it_learns():
    settings = ("train.epochs=6", "train.batch=16", "space.channels=6", "train.drop_path=0")
    result = retrain(CELL, quadrants(), a_recipe(*settings, space="nasbench201"))
    assert result.test["accuracy"] > 0.7


def test_without_test_images_there_is_no_test_accuracy():
    data = quadrants()
    empty = data.test.first(0)
    result = retrain(CELL, dataclasses.replace(data, test=empty), a_recipe("train.epochs=1", space="nasbench201"))
    assert result.test == {}
    assert result.examples["test"] == 0


def test_a_cell_that_nothing_passes_through_is_told_of_and_stays_at_chance(tmp_path):
    heard = Heard()
    dead = Architecture("nasbench201", (0,) * 6)
    result = retrain(dead, quadrants(), a_recipe("train.epochs=1", space="nasbench201"), tmp_path / "d", events=heard)
    assert any("nothing passes through" in text for text in heard.messages)
    assert result.test["accuracy"] == 0.25


def test_a_training_that_diverges_fails_with_a_remedy():
    with pytest.raises(RetrainFailed, match=r"diverged.*--set train\.lr") as raised:
        retrain(CELL, quadrants(), a_recipe("train.lr=1e9", "train.epochs=2", space="nasbench201"))
    assert raised.value.exit_code == 5  # as of every run that found nothing; 1 is an error of ours


def test_memory_running_out_halves_the_images_of_a_pass(monkeypatch):
    real, tried = epoch._train_epoch, []

    def short_of_memory(training, *arguments):
        tried.append(training.micro_batch)
        if training.micro_batch > 8:
            raise RuntimeError("CUDA error: out of memory")
        return real(training, *arguments)

    monkeypatch.setattr(epoch, "_train_epoch", short_of_memory)
    heard = Heard()
    result = retrain(CELL, quadrants(), a_recipe("train.epochs=1", space="nasbench201"), events=heard)
    assert tried == [32, 16, 8]
    assert result.epochs == 1
    assert heard.messages == [
        "out of memory: training continues with 16 examples at a time",
        "out of memory: training continues with 8 examples at a time",
    ]


def test_one_image_that_does_not_fit_is_the_end(monkeypatch):
    def no_memory(*arguments):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(epoch, "_train_epoch", no_memory)
    with pytest.raises(RetrainFailed, match="does not fit the memory of cpu"):
        retrain(CELL, quadrants(), a_recipe("train.batch=2", space="nasbench201"))
