"""The final recipe gives the same numbers every time, interrupted or not, and they are those of training by hand."""

import dataclasses

import pytest
import torch

from ranknosh.core.records import Job
from ranknosh.core.seeding import draw
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate, trained_network
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Task
from ranknosh.workflows.compare.comparison import final_folder, train_final

EPOCHS = 3


@pytest.fixture(scope="module")
def found(parts):
    return draw(parts.space, 2, 0)[1]


@pytest.fixture(scope="module")
def final(parts, found, tmp_path_factory):
    return train_final(found, parts.task, EPOCHS, 1, tmp_path_factory.mktemp("final"))


def readings(final):
    return final.validation, final.test, final.epochs, final.failed


def test_it_is_a_training_of_that_many_epochs_with_the_settings(parts, found, final, tmp_path):
    settings = parts.task.settings.model_copy(update={"total_epochs": EPOCHS})
    task = Task(parts.task.data, parts.task.size, settings)
    store = CheckpointStore(tmp_path)
    train_rung(Job(0, found, 1, 0, EPOCHS, torch_seed(1, "final")), task, store)
    network = trained_network(0, store)
    assert final.validation == evaluate(network, task.data.validation, task)[0]
    assert final.test == evaluate(network, task.data.test, task)[0]
    assert (final.epochs, final.failed) == (EPOCHS, None)


def test_an_interrupted_training_goes_on_to_the_same_numbers(parts, found, final, tmp_path):
    epochs = []
    with pytest.raises(KeyboardInterrupt):
        train_final(
            found, parts.task, EPOCHS, 1, tmp_path, stop=lambda: len(epochs) == 1, on_epoch=lambda e: epochs.append(e)
        )
    again = train_final(found, parts.task, EPOCHS, 1, tmp_path, on_epoch=lambda e: epochs.append(e))
    assert readings(again) == readings(final)
    assert epochs[-1] == EPOCHS


def test_another_seed_is_another_training(parts, found, final, tmp_path):
    assert readings(train_final(found, parts.task, EPOCHS, 2, tmp_path)) != readings(final)


def test_a_training_that_diverges_is_a_result_without_numbers(parts, found, tmp_path):
    wild = dataclasses.replace(parts.task, settings=parts.task.settings.model_copy(update={"lr": 1e9}))
    final = train_final(found, wild, EPOCHS, 1, tmp_path)
    assert (final.validation, final.test) == (None, None)
    assert final.failed.startswith("diverged")


def test_a_damaged_checkpoint_is_trained_again(parts, found, final, tmp_path):
    train_final(found, parts.task, EPOCHS, 1, tmp_path)
    state = next(tmp_path.rglob("state-*"))
    state.write_bytes(state.read_bytes()[:-50])
    assert readings(train_final(found, parts.task, EPOCHS, 1, tmp_path)) == readings(final)


def test_folders_differ_by_architecture_and_seed(tmp_path):
    assert len({final_folder(tmp_path, text, seed) for text in ("a", "b") for seed in (0, 1)}) == 4


def test_global_random_state_is_left_alone(parts, found, tmp_path):
    before = torch.random.get_rng_state()
    train_final(found, parts.task, 1, 1, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)
