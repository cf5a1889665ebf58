import dataclasses
import itertools

import pytest
import torch

from ranknosh.errors import ConfigError, SpaceError, StoreError
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks.catalog import make_task
from ranknosh.training import rung
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.epoch import Diverged
from ranknosh.training.rung import train_rung
from ranknosh.training.settings import Recipe, TrainSettings
from tests.alive import left_behind
from tests.image_sets import load
from tests.journal_lines import read_back
from tests.ranknosh.training.train_samples import (
    CELL,
    a_job,
    a_recipe,
    assert_same_bits,
    failed,
    interrupted,
    observed,
    plain,
    tensors_of,
    trained,
    without_times,
)


def test_a_cell_learns_digits(tmp_path):
    data = load("digits", seed=0)
    settings = TrainSettings(total_epochs=6, batch=64, lr=0.1)
    recipe = Recipe(get_space("nasbench201", channels=8, cells=1), make_task(data, {}), settings)
    outcome, store = trained(a_job(0, 4), recipe, tmp_path)
    assert outcome.metrics["accuracy"] > 0.5  # chance is 0.1
    assert [point.epoch for point in outcome.curve] == [1, 2, 3, 4]
    assert outcome.curve[-1].train_loss < 0.5 * outcome.curve[0].train_loss
    last = outcome.curve[-1]
    assert (outcome.metric, outcome.metrics["accuracy"], outcome.metrics["loss"]) == (
        last.metric,
        last.metrics["accuracy"],
        last.metrics["loss"],
    )
    assert outcome.epochs == 4
    assert 0 < sum(point.seconds for point in outcome.curve) <= outcome.seconds
    from ranknosh.spaces.nets.cost import count_macs, count_params

    network = recipe.space.network(CELL, recipe.signature)
    assert outcome.costs["params"] == count_params(network)
    assert outcome.costs["macs"] == count_macs(network, (1, 8, 8))
    assert outcome.checkpoint_bytes == sum(held.size for held in store.holdings())
    assert read_back(outcome) == outcome


def test_the_seed_decides_every_bit(tmp_path):
    recipe = a_recipe(augment="crop_flip_cutout", ema=0.9)
    first, one = trained(a_job(0, 2), recipe, tmp_path / "one")
    torch.manual_seed(123)
    second, two = trained(a_job(0, 2), recipe, tmp_path / "two")
    assert_same_bits(one, two)
    assert first.metric == second.metric
    _, other = trained(a_job(0, 2, seed=4), recipe, tmp_path / "other")
    assert not torch.equal(tensors_of(one)["weights.conv.weight"], tensors_of(other)["weights.conv.weight"])


def test_initial_weights_differ_between_seeds(tmp_path):
    recipe = a_recipe(lr=1e-12)
    weights = [
        tensors_of(trained(a_job(0, 1, seed=seed), recipe, tmp_path / str(seed))[1])["weights.conv.weight"]
        for seed in (1, 2)
    ]
    assert (weights[0] - weights[1]).abs().max() > 0.01


def test_rung_after_rung_equals_one_rung(tmp_path):
    recipe = a_recipe(ema=0.9, warmup_epochs=1.5, augment="crop_flip")
    whole, straight = trained(a_job(0, 5), recipe, tmp_path / "straight")
    first, stepped = trained(a_job(0, 2), recipe, tmp_path / "stepped")
    second = observed(train_rung(a_job(2, 5, level=2), recipe, stepped))
    assert_same_bits(straight, stepped)
    assert without_times([*first.curve, *second.curve]) == without_times(whole.curve)
    assert (first.epochs, second.epochs) == (2, 3)
    assert second.metric == whole.metric


@pytest.mark.parametrize("metric", ["accuracy", "loss", "ema_accuracy", "ema_loss"])
def test_metric_is_higher_better_and_reads_what_it_says(tmp_path, metric):
    recipe = a_recipe(metric=metric, ema=0.999)
    outcome, _ = trained(a_job(0, 1), recipe, tmp_path)
    sign_and_value = (
        outcome.metrics["accuracy"] if metric.endswith("accuracy") else -outcome.metrics["loss"],
        outcome.curve[0].metric,
    )
    assert sign_and_value == (outcome.metric, outcome.metric)
    raw, _ = trained(a_job(0, 1), a_recipe(metric="loss", ema=0.999), tmp_path / "raw")
    assert (outcome.metrics["loss"] == raw.metrics["loss"]) == (not metric.startswith("ema"))


def test_stop_is_asked_after_every_epoch_but_the_last(tmp_path):
    recipe, store = a_recipe(), CheckpointStore(tmp_path)
    asked = []

    def stop() -> bool:
        asked.append(store.epoch(7))
        return len(asked) == 2

    part = interrupted(train_rung(a_job(0, 4), recipe, store, stop=stop))
    assert (part.epoch, part.epochs, store.epoch(7)) == (2, 2, 2)
    assert part.checkpoint_bytes == sum(held.size for held in store.holdings())
    rest = observed(train_rung(a_job(2, 4), recipe, store, stop=stop))
    assert (rest.epochs, [point.epoch for point in rest.curve]) == (2, [3, 4])
    assert len(asked) == 3  # after epochs 1, 2 and 3
    told = observed(train_rung(dataclasses.replace(a_job(2, 4), level_start=1), recipe, store))
    assert (told.epochs, [point.epoch for point in told.curve]) == (2, [2, 3, 4])
    _, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    assert_same_bits(store, straight)


def test_on_epoch_sees_every_point_once(tmp_path):
    recipe, store, seen = a_recipe(), CheckpointStore(tmp_path), []
    job = a_job(0, 3)
    outcome = observed(train_rung(job, recipe, store, on_epoch=lambda job, point: seen.append((job, point))))
    assert seen == [(job, point) for point in outcome.curve]


def test_a_lost_record_is_answered_from_the_checkpoint(tmp_path):
    recipe, store, seen = a_recipe(), CheckpointStore(tmp_path), []
    lost = observed(train_rung(a_job(0, 3), recipe, store))
    before = {path: path.stat().st_mtime_ns for path in (store.folder / "7").iterdir()}
    again = observed(train_rung(a_job(0, 3), recipe, store, on_epoch=lambda job, point: seen.append(point)))
    assert dataclasses.replace(again, seconds=0) == dataclasses.replace(lost, seconds=0)
    assert again.seconds >= sum(point.seconds for point in lost.curve)
    assert seen == []
    assert {path: path.stat().st_mtime_ns for path in (store.folder / "7").iterdir()} == before
    # A checkpoint further on still gives the numbers that epoch had.
    early = observed(train_rung(a_job(0, 2), recipe, store))
    assert (early.epochs, early.metric, early.curve) == (2, lost.curve[1].metric, lost.curve[:2])


def test_a_lost_interruption_is_charged_once_and_not_trained_twice(tmp_path):
    recipe, store, seen = a_recipe(), CheckpointStore(tmp_path), []
    answers = iter([False, True])
    interrupted(train_rung(a_job(0, 4), recipe, store, stop=lambda: next(answers)))
    assert store.epoch(7) == 2
    outcome = observed(train_rung(a_job(0, 4), recipe, store, on_epoch=lambda job, point: seen.append(point.epoch)))
    assert seen == [3, 4]
    assert outcome.epochs == 4
    assert [point.epoch for point in outcome.curve] == [1, 2, 3, 4]
    assert outcome.seconds >= sum(point.seconds for point in outcome.curve)


def test_a_lost_checkpoint_is_trained_again_for_free(tmp_path):
    recipe = a_recipe()
    _, straight = trained(a_job(0, 4), recipe, tmp_path / "straight")
    store = CheckpointStore(tmp_path / "lost")
    part = interrupted(train_rung(a_job(2, 4), recipe, store, stop=lambda: True))
    assert (part.epoch, part.epochs, store.epoch(7)) == (2, 0, 1)
    outcome = observed(train_rung(a_job(2, 4), recipe, store))
    assert (outcome.epochs, [point.epoch for point in outcome.curve]) == (2, [3, 4])
    assert_same_bits(store, straight)


def test_epochs_inside_a_rung_are_saved_when_enough_would_be_lost(tmp_path, monkeypatch):
    recipe, store, saved = a_recipe(), CheckpointStore(tmp_path), []
    train_rung(a_job(0, 3), recipe, store, on_epoch=lambda job, point: saved.append(store.epoch(7)))
    assert saved == [None, None, 3]
    monkeypatch.setattr(rung, "SAVE_EVERY_SECONDS", 0.0)
    saved.clear()
    train_rung(a_job(0, 3, candidate_id=8), recipe, store, on_epoch=lambda job, point: saved.append(store.epoch(8)))
    assert saved == [1, 2, 3]


def test_where_and_how_fast_it_runs_is_free_to_change(tmp_path):
    _, store = trained(a_job(0, 1), a_recipe(), tmp_path)
    assert observed(train_rung(a_job(1, 2), a_recipe(threads=2, channels_last=False), store)).epochs == 1


def test_tensors_of_another_network_are_refused(tmp_path):
    _, store = trained(a_job(0, 1), a_recipe(), tmp_path)
    with pytest.raises(StoreError, match="another network's tensors"):
        train_rung(a_job(1, 2), a_recipe(build=plain), store)


@pytest.mark.parametrize(("start", "stop"), [(2, 2), (3, 2), (0, 7), (-1, 2)])
def test_a_job_has_to_lie_in_the_schedule(tmp_path, start, stop):
    with pytest.raises(ConfigError, match="within the schedule's 6 epochs"):
        train_rung(a_job(start, stop), a_recipe(), CheckpointStore(tmp_path))


def test_what_callbacks_raise_is_the_callers(tmp_path):
    store = CheckpointStore(tmp_path)
    with pytest.raises(ZeroDivisionError):
        train_rung(a_job(0, 2), a_recipe(), store, on_epoch=lambda job, point: 1 // 0)
    with pytest.raises(MemoryError):
        train_rung(a_job(0, 2), a_recipe(), store, stop=exhaust)


def exhaust() -> bool:
    raise MemoryError


@pytest.mark.parametrize(
    "error", [StoreError, SpaceError, Diverged, MemoryError, OSError, KeyboardInterrupt, SystemExit]
)
def test_an_error_of_a_callback_arrives_as_it_was_raised(tmp_path, error):
    cause, raised = ValueError("why"), error("what")

    def callback(job, point):
        raise raised from cause

    with pytest.raises(error) as caught:
        train_rung(a_job(0, 1), a_recipe(), CheckpointStore(tmp_path), on_epoch=callback)
    assert caught.value is raised
    assert raised.__cause__ is cause
    assert raised.__context__ in (None, cause)
    assert CheckpointStore(tmp_path).epoch(7) == 1


def test_the_process_is_left_as_it_was_found(tmp_path):
    torch.set_num_threads(2)
    try:
        torch.manual_seed(11)
        state = torch.get_rng_state()
        flags = (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.is_grad_enabled())
        seen = []
        train_rung(
            a_job(0, 1),
            a_recipe(threads=1),
            CheckpointStore(tmp_path),
            on_epoch=lambda *_: seen.append(torch.get_num_threads()),
        )
        failed(train_rung(a_job(0, 1), a_recipe(build=broken), CheckpointStore(tmp_path / "broken")))
        assert seen == [1]
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), state)
        assert flags == (
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.is_grad_enabled(),
        )
    finally:
        torch.set_num_threads(1)


def test_trainings_leave_nothing_alive(tmp_path):
    recipe, names = a_recipe(build=None, ema=0.9), itertools.count()

    def trainings():
        for code in (CELL.code, (1, 2, 3, 4, 1, 2)):
            store = CheckpointStore(tmp_path / str(next(names)))
            job = a_job(0, 2, architecture=dataclasses.replace(CELL, code=code))
            interrupted(train_rung(job, recipe, store, stop=lambda: True))
            observed(train_rung(job, recipe, store))
            failed(train_rung(a_job(0, 1), a_recipe(build=broken), CheckpointStore(tmp_path / "broken")))

    assert left_behind(trainings) == {}


def broken(architecture, signature):
    raise RuntimeError("no such network")


def test_an_unknown_device_is_the_users_error(tmp_path):
    with pytest.raises(ConfigError, match="device is 'warp'"):
        train_rung(a_job(0, 1), a_recipe(device="warp"), CheckpointStore(tmp_path))
