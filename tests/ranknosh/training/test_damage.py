"""A checkpoint that went bad costs its work and nothing else: the search goes on with the bits it would have had."""

import dataclasses
import pickle
import uuid

import pytest

from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.training import rung
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import test_candidate, trained_network
from ranknosh.training.rung import train_rung
from ranknosh.training.training import job_identity
from tests.ranknosh.training.train_samples import (
    a_job,
    a_recipe,
    assert_same_bits,
    failed,
    observed,
    quadrants,
    trained,
    without_times,
)


@pytest.fixture(params=["path", "memory"])
def store(request, tmp_path):
    return CheckpointStore({"path": tmp_path / "kept", "memory": f"memory://{uuid.uuid4().hex}"}[request.param])


def names(store):
    return sorted(entry.name for entry in store.storage.list("7"))


def harm(store, how="cut"):
    """Damage the newest publication and return the file's full name."""
    name = store.publications(7)[0].name
    whole = store.storage.read(name)
    middle = len(whole) // 2
    bad = {"cut": whole[:middle], "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]}
    store.storage.write(name, bad[how])
    return store.storage.where(name)


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_damage_is_set_aside_told_and_trained_again_with_the_same_bits(store, tmp_path, how):
    recipe = a_recipe(ema=0.9, augment="crop_flip")
    whole, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    observed(train_rung(a_job(0, 2), recipe, store))
    where = harm(store, how)
    job = a_job(2, 4, level=2, attempt=3)
    outcome = failed(train_rung(job, recipe, store))
    assert (outcome.kind, outcome.epochs, outcome.final) == ("checkpoint_damaged", 2, False)
    assert (outcome.level, outcome.attempt, outcome.replica) == (2, 3, 0)
    assert outcome.seconds >= 0
    assert where in outcome.message
    assert "trained again from its first epoch" in outcome.message
    if store.folder is None:
        assert ", deleted" in outcome.message
        assert names(store) == []
    else:
        assert "renamed to damaged-*" in outcome.message
        assert all(name.startswith("damaged-") for name in names(store))
    again = observed(train_rung(job, recipe, store))
    assert again.epochs == 2  # charged once
    assert without_times(again.curve) == without_times(whole.curve[2:])
    assert_same_bits(store, straight)


def test_an_older_whole_checkpoint_is_gone_on_from(store, tmp_path, monkeypatch):
    recipe, begun = a_recipe(), []
    older = CheckpointStore(tmp_path / "older")
    observed(train_rung(a_job(0, 1), recipe, older))
    observed(train_rung(a_job(0, 3), recipe, store))
    name = older.publications(7)[0].name
    store.storage.write(name, older.storage.read(name))  # of an attempt that was behind, which never tidies up
    harm(store)
    outcome = failed(train_rung(a_job(3, 4), recipe, store))
    assert (outcome.kind, outcome.epochs) == ("checkpoint_damaged", 2)
    assert "trained again from epoch 1, the newest that is whole" in outcome.message
    monkeypatch.setattr(rung, "SAVE_EVERY_SECONDS", 0.0)
    save = store.save

    def watched(candidate_id, replica, checkpoint):
        begun.append(checkpoint.epoch)
        return save(candidate_id, replica, checkpoint)

    monkeypatch.setattr(store, "save", watched)
    again = observed(train_rung(a_job(3, 4), recipe, store))
    assert begun == [2, 3, 4]
    assert [point.epoch for point in again.curve] == [4]
    _, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    assert_same_bits(store, straight)


def test_work_that_was_not_charged_is_not_counted_as_lost(store, monkeypatch):
    recipe = a_recipe()
    monkeypatch.setattr(rung, "SAVE_EVERY_SECONDS", 0.0)
    with pytest.raises(ZeroDivisionError):  # in epoch 1 of the rung, after it was saved
        train_rung(a_job(0, 3), recipe, store, on_epoch=lambda job, point: 1 // 0)
    harm(store)
    assert failed(train_rung(a_job(0, 3), recipe, store)).epochs == 0
    assert observed(train_rung(a_job(0, 3), recipe, store)).epochs == 3


def test_two_damaged_ones_are_set_aside_at_once(store):
    recipe = a_recipe()
    observed(train_rung(a_job(0, 2), recipe, store))
    harm(store)
    observed_again = CheckpointStore(store.location)
    first = store.publications(7)[0]
    store.storage.write(first.name.replace("state-2", "state-5"), b"nonsense")
    outcome = failed(train_rung(a_job(2, 3), recipe, observed_again))
    assert outcome.message.count("is damaged") == 2
    assert store.publications(7) == []
    assert observed(train_rung(a_job(2, 3), recipe, store)).epochs == 1


def test_a_foreign_checkpoint_under_a_damaged_one_is_set_aside_with_it(store):
    observed(train_rung(a_job(0, 1), a_recipe(), store))
    first = store.publications(7)[0]
    store.storage.write(first.name.replace("state-1", "state-3"), b"nonsense")
    outcome = failed(train_rung(a_job(1, 2), a_recipe(lr=0.07), store))
    assert outcome.kind == "checkpoint_damaged"
    assert "is damaged" in outcome.message
    assert "another training (its train.lr is 0.05, expected is 0.07)" in outcome.message
    assert store.publications(7) == []


FOREIGN = [
    ({"seed": 4}, {}, "its seed is 3, expected is 4"),
    ({"replica": 1}, {}, "its replica is 0, expected is 1"),
    ({"architecture": Architecture("nasbench201", (0, 1, 2, 3, 4, 0))}, {}, "its architecture is"),
    ({}, {"train": 71}, "its data is"),
    ({}, {"lr": 0.07}, "its train.lr is 0.05, expected is 0.07"),
]


@pytest.mark.parametrize(("job", "recipe", "what"), FOREIGN)
def test_a_checkpoint_of_another_training_is_set_aside_and_the_job_is_trained_anew(tmp_path, job, recipe, what):
    mine, store = a_job(1, 2, **job), CheckpointStore(tmp_path / "store")
    settings = {name: value for name, value in recipe.items() if name != "train"}
    my_task = a_recipe(quadrants(recipe.get("train", 70)), **settings)
    observed(train_rung(a_job(0, 1), a_recipe(), store))
    folder = tmp_path / "store" / "7"
    folder.rename(tmp_path / "store" / ("7-r1" if mine.replica else "7"))  # as if swapped by hand
    outcome = failed(train_rung(mine, my_task, store))
    assert (outcome.kind, outcome.final) == ("checkpoint_damaged", False)
    assert what in outcome.message
    again = observed(train_rung(mine, my_task, store))
    alone, _ = trained(dataclasses.replace(mine, start_epoch=0), my_task, tmp_path / "alone")
    assert without_times(again.curve) == without_times(alone.curve[1:])


def test_a_checkpoint_of_another_training_is_never_read(tmp_path):
    first, second = (
        a_job(0, 1),
        a_job(0, 1, candidate_id=8, architecture=Architecture("nasbench201", (0, 1, 2, 3, 4, 0))),
    )
    recipe, store = a_recipe(), CheckpointStore(tmp_path)
    for job in (first, second):
        observed(train_rung(job, recipe, store))
    for one, other in (("7", "kept"), ("8", "7"), ("kept", "8")):
        (tmp_path / one).rename(tmp_path / other)
    for job in (first, second):
        number, expected = job.candidate_id, job_identity(job, recipe)
        for read in (
            lambda number=number, expected=expected: trained_network(number, store, recipe.space, identity=expected),
            lambda job=job: test_candidate(job, recipe, store),
            lambda number=number, expected=expected: store.whole(number, identity=expected),
        ):
            with pytest.raises(StoreError, match=r"state-1.* belongs to another training \(its architecture is .*copy"):
                read()


def test_damage_found_by_two_attempts_at_once_is_told_by_both(store):
    recipe = a_recipe()
    observed(train_rung(a_job(0, 2), recipe, store))
    harm(store)
    found = store.read(7)
    assert failed(train_rung(a_job(2, 3), recipe, store)).kind == "checkpoint_damaged"
    for damage in found.damages:  # the slower one
        store.set_aside(damage)
    assert observed(train_rung(a_job(2, 3), recipe, store)).epochs == 1


def test_memory_running_out_beside_a_damaged_checkpoint_tells_of_the_damage(store):
    def build(architecture, signature):
        harm(store)
        raise MemoryError

    observed(train_rung(a_job(0, 1), a_recipe(), store))
    outcome = failed(train_rung(a_job(1, 2), a_recipe(build=build), store))
    assert (outcome.kind, outcome.epochs) == ("checkpoint_damaged", 1)


def test_a_job_trains_alike_wherever_its_checkpoints_lie(store, tmp_path):
    recipe = a_recipe(ema=0.9)
    _, straight = trained(a_job(0, 3), recipe, tmp_path / "straight")
    observed(train_rung(a_job(0, 1), recipe, store))
    outcome = observed(train_rung(a_job(1, 3), recipe, pickle.loads(pickle.dumps(store))))
    assert outcome.checkpoint_bytes == sum(held.size for held in store.holdings()) > 0
    assert_same_bits(store, straight)
    assert len(names(store)) == 1
