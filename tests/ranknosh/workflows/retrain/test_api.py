"""ranknosh/workflows/retrain/api.py and session.py: whole retrainings of real images, in memory and in run folders."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from random import Random

import pytest
import torch

from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.genotype import as_architecture
from ranknosh.spaces.nets import build_candidate
from ranknosh.training import CheckpointStore, rung
from ranknosh.workflows.retrain import EpochLine, Retrained, RetrainFailed, retrain
from ranknosh.workflows.retrain.journal import read_record
from ranknosh.workflows.retrain.session import Silent
from ranknosh.workflows.retrain.subject import read_subject
from tests.processes import run_python
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE, a_recipe, quadrants

ROOT = Path(__file__).parents[4]
KILLED = """
import os, signal
from ranknosh.workflows.retrain import retrain
from ranknosh.workflows.retrain.session import Silent
from ranknosh.training import rung
from tests.ranknosh.workflows.retrain.retrain_samples import GENOTYPE, a_recipe, quadrants

rung.SAVE_EVERY_SECONDS = {save_every}

class Killer(Silent):
    def on_step(self, epoch, step, steps):
        if (epoch, step) == (3, 2):
            os.kill(os.getpid(), signal.SIGKILL)

retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), {folder!r}, seed=3, listener=Killer())
"""


class Told(Silent):
    def __init__(self):
        self.lines, self.messages, self.steps = [], [], []

    def on_step(self, epoch, step, steps):
        self.steps.append((epoch, step, steps))

    def on_epoch(self, line: EpochLine, epochs: int):
        self.lines.append(line)

    def on_message(self, text):
        self.messages.append(text)


def untimed(result: Retrained):
    return dataclasses.replace(result, device_seconds=0.0)


def tensors(folder):
    found = CheckpointStore(folder / "checkpoints").load(0)
    velocities = {f"velocity of {name}": value for name, value in found.momentum.items()}
    return {**found.weights, **velocities, **{f"head's {name}": value for name, value in found.auxiliary.items()}}


def assert_same_end(folder, whole):
    """The bits, the journal's curve and what is exported are those of the retraining that ran through."""
    first, second = tensors(whole), tensors(folder)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    curves = [[dataclasses.replace(line, seconds=0) for line in read_record(run).curve] for run in (folder, whole)]
    assert curves[0] == curves[1]
    assert (folder / "best" / "card.json").read_bytes() == (whole / "best" / "card.json").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A retraining that ran through, with augmentation, drop-path and the auxiliary head; its folder and result."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    told = Told()
    recipe = a_recipe("train.augment=crop_flip_cutout")
    return folder, retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, listener=told), told


def test_what_comes_of_it(whole):
    folder, result, told = whole
    assert [line.epoch for line in told.lines] == [1, 2, 3]
    assert told.steps == [(epoch, step, 3) for epoch in (1, 2, 3) for step in (1, 2, 3)]
    assert result.epochs == 3
    assert result.images == {"train": 96, "validation": 40, "test": 36}
    assert (result.space, result.seed, result.device, result.trained_on_validation) == ("darts", 3, "cpu", False)
    assert result.validation_accuracy == told.lines[-1].validation_accuracy
    assert result.device_seconds > sum(line.seconds for line in told.lines)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"config.yaml", "journal.jsonl", "genotype.txt", "report.html", "best/card.json"} <= left
    record = read_record(folder)
    assert record.result == result
    assert list(record.curve) == told.lines
    assert Retrained(**json.loads(json.dumps(result.as_dict()))) == result


def test_the_kept_weights_give_the_reported_test_accuracy(whole):
    safetensors = pytest.importorskip("safetensors.torch")
    folder, result, _ = whole
    card = json.loads((folder / "best" / "card.json").read_text())
    net = build_candidate(as_architecture(GENOTYPE), NetworkSize(**card["network"]))
    net.load_state_dict(safetensors.load_file(folder / "best" / "weights.safetensors"))
    net.eval()
    test, right = quadrants().test, 0
    for image, label in zip(test.images, test.labels, strict=True):
        pixels = (image.double() / 255 - torch.tensor(card["mean"])[:, None, None]) / torch.tensor(card["std"])[
            :, None, None
        ]
        with torch.no_grad():
            right += int(net(pixels.float()[None]).argmax() == label)
    assert result.test_accuracy == right / 36
    assert sum(p.numel() for p in net.parameters()) == result.params == card["params"]


@pytest.mark.parametrize("save_every", [0, 1000])
def test_killed_in_the_middle_and_resumed_it_ends_with_the_same_bits(whole, tmp_path, save_every):
    folder = tmp_path / "killed"
    script = KILLED.format(folder=str(folder), save_every=save_every)
    ended = run_python("-c", script)
    assert ended.returncode == -9, ended.stderr
    assert [line.epoch for line in read_record(folder).curve] == [1, 2]
    assert CheckpointStore(folder / "checkpoints").epoch(0) == (2 if save_every == 0 else None)
    told = Told()
    result = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), folder, seed=3, listener=told)
    assert [line.epoch for line in told.lines] == ([3] if save_every == 0 else [1, 2, 3])
    assert untimed(result) == untimed(whole[1])
    assert_same_end(folder, whole[0])


def test_a_damaged_or_foreign_checkpoint_is_set_aside_and_trained_again(whole, tmp_path):
    recipe, told = a_recipe("train.augment=crop_flip_cutout"), Told()
    folders = [tmp_path / name for name in ("mine", "other")]
    for folder, seed in zip(folders, (3, 4), strict=True):
        with pytest.raises(KeyboardInterrupt):
            retrain(GENOTYPE, quadrants(), recipe, folder, seed=seed, stop=lambda: True)
    mine, other = (folder / "checkpoints" / "0" for folder in folders)
    shutil.rmtree(mine)
    shutil.copytree(other, mine)
    result = retrain(GENOTYPE, quadrants(), recipe, folders[0], seed=3, listener=told)
    assert any(
        "belongs to another training (its seed is 4, expected is 3), renamed to damaged-*" in m for m in told.messages
    )
    assert untimed(result) == untimed(whole[1])
    assert_same_end(folders[0], whole[0])
    state = next(other.glob("state-*"))
    state.write_bytes(state.read_bytes()[:-9])
    retrain(GENOTYPE, quadrants(), recipe, folders[1], seed=4, listener=told)
    assert "is damaged" in told.messages[-1]


def test_epochs_that_were_saved_and_not_written_down_are_written_down_later(whole, tmp_path):
    folder, told = tmp_path / "run", Told()
    shutil.copytree(whole[0], folder)
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]))  # header, session, epoch 1
    result = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), folder, seed=3, listener=told)
    assert told.steps == []  # nothing is trained again
    assert untimed(result) == untimed(whole[1])
    assert read_record(folder).curve == read_record(whole[0]).curve


def test_the_cell_of_a_run_is_read_from_its_card_whose_bits_are_checked(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    card, random = tmp_path / "run" / "best" / "card.json", Random(0)
    assert read_subject(str(tmp_path / "run")).cell == GENOTYPE
    digest = json.loads(card.read_text())["weights"]["sha256"]
    assert digest == hashlib.sha256((card.parent / "weights.safetensors").read_bytes()).hexdigest()
    text = card.read_bytes()
    for _ in range(60):
        changed, place = bytearray(text), random.randrange(8 * len(text))
        changed[place // 8] ^= 1 << place % 8
        card.write_bytes(changed)
        if readable(changed) == json.loads(text):  # a bit of the white space between the values
            continue
        with pytest.raises(StoreError, match="bring it back from a copy"):
            read_subject(str(tmp_path / "run"))


def readable(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_in_memory_it_is_the_same_training_and_nothing_else_changes(whole):
    torch.manual_seed(11)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    result = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), seed=3)
    assert untimed(result) == untimed(whole[1])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    other = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), seed=4)
    assert other.train_loss != result.train_loss


def test_one_that_has_ended_gives_its_result_at_once(whole):
    folder, result, _ = whole
    before, told = (folder / "journal.jsonl").read_bytes(), Told()
    again = retrain(GENOTYPE, quadrants(), a_recipe("train.augment=crop_flip_cutout"), folder, seed=3, listener=told)
    assert again == result
    assert told.lines == []
    assert "has ended" in told.messages[0]
    assert (folder / "journal.jsonl").read_bytes() == before


def test_another_retraining_in_its_folder_is_refused_with_the_field_named(whole):
    folder, _, _ = whole
    recipe = a_recipe("train.augment=crop_flip_cutout")
    for chosen, words in (
        ((GENOTYPE, quadrants(), recipe.replace(["train.lr=0.3"]), folder, 3), "train.lr was 0.05"),
        ((GENOTYPE, quadrants(), recipe.replace(["train.epochs=4"]), folder, 3), "train.epochs was 3"),
        ((GENOTYPE, quadrants(), recipe, folder, 5), "seed was 3"),
        ((CELL, quadrants(), recipe, folder, 3), "retrains Genotype"),
    ):
        with pytest.raises(ConfigError, match=words):
            retrain(*chosen[:4], seed=chosen[4])
    with pytest.raises(DataError, match="not those this retraining began with"):
        retrain(GENOTYPE, quadrants(seed=1), recipe, folder, seed=3)


def test_a_stop_saves_and_the_rest_is_done_later(whole, tmp_path):
    folder, asked = tmp_path / "stopped", []
    recipe = a_recipe("train.augment=crop_flip_cutout")

    def stop():
        asked.append(1)
        return True

    with pytest.raises(KeyboardInterrupt):
        retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, stop=stop)
    assert len(asked) == 1
    assert CheckpointStore(folder / "checkpoints").epoch(0) == 1
    record = read_record(folder)
    assert record.result is None
    told = Told()
    assert untimed(retrain(GENOTYPE, quadrants(), recipe, folder, seed=3, listener=told)) == untimed(whole[1])
    assert [line.epoch for line in told.lines] == [2, 3]
    assert len(read_record(folder).sessions) == 2


def test_all_images_are_trained_on_and_validation_is_not_told():
    told = Told()
    result = retrain(CELL, quadrants(), a_recipe("train.all_images=true", space="nasbench201"), seed=0, listener=told)
    assert result.trained_on_validation
    assert result.images["train"] == 96 + 40
    assert (result.validation_accuracy, result.validation_loss) == (None, None)
    assert told.steps[0] == (1, 1, 5)  # 136 images in batches of 32


def test_it_learns():
    settings = ("train.epochs=6", "train.batch=16", "network.channels=6", "train.drop_path=0")
    result = retrain(CELL, quadrants(), a_recipe(*settings, space="nasbench201"))
    assert result.test_accuracy > 0.7


def test_without_test_images_there_is_no_test_accuracy():
    data = quadrants()
    empty = dataclasses.replace(data.test, images=data.test.images[:0], labels=data.test.labels[:0])
    result = retrain(CELL, dataclasses.replace(data, test=empty), a_recipe("train.epochs=1", space="nasbench201"))
    assert (result.test_accuracy, result.test_loss) == (None, None)
    assert result.images["test"] == 0


def test_a_cell_that_nothing_passes_through_is_told_of_and_stays_at_chance(tmp_path):
    told = Told()
    dead = Architecture("nasbench201", (0,) * 6)
    result = retrain(dead, quadrants(), a_recipe("train.epochs=1", space="nasbench201"), tmp_path / "d", listener=told)
    assert "nothing passes through" in told.messages[1]
    assert result.test_accuracy == 0.25


def test_a_training_that_diverges_fails_with_a_remedy():
    with pytest.raises(RetrainFailed, match=r"diverged.*--set train\.lr"):
        retrain(CELL, quadrants(), a_recipe("train.lr=1e9", "train.epochs=2", space="nasbench201"))


def test_memory_running_out_halves_the_images_of_a_pass(monkeypatch):
    real, tried = rung.train_epoch, []

    def short_of_memory(training, *arguments):
        tried.append(training.micro_batch)
        if training.micro_batch > 8:
            raise RuntimeError("CUDA error: out of memory")
        return real(training, *arguments)

    monkeypatch.setattr(rung, "train_epoch", short_of_memory)
    told = Told()
    result = retrain(CELL, quadrants(), a_recipe("train.epochs=1", space="nasbench201"), listener=told)
    assert tried == [32, 16, 8]
    assert result.epochs == 1
    assert told.messages == [
        "out of memory: training continues with 16 images at a time",
        "out of memory: training continues with 8 images at a time",
    ]


def test_one_image_that_does_not_fit_is_the_end(monkeypatch):
    def no_memory(*arguments):
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(rung, "train_epoch", no_memory)
    with pytest.raises(RetrainFailed, match="does not fit the memory of cpu"):
        retrain(CELL, quadrants(), a_recipe("train.batch=2", space="nasbench201"))
