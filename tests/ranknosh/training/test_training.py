"""Drop path, the auxiliary head and training on all images as options of the one trainer, on cells of both spaces."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from ranknosh.data import batches
from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.genotype import Genotype, as_architecture
from ranknosh.spaces.nets.cost import count_params
from ranknosh.training import epoch
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.epoch import _accumulate, _train_epoch
from ranknosh.training.evaluate import trained_network
from ranknosh.training.rung import MOST_TRIES, train_rung, train_whole
from ranknosh.training.settings import Task, TrainSettings
from ranknosh.training.surroundings import surroundings
from ranknosh.training.training import checkpoint_bytes, job_identity, start
from tests.ranknosh.training.train_samples import (
    CELL,
    Plain,
    a_job,
    a_task,
    assert_same_bits,
    failed,
    interrupted,
    observed,
    plain,
    quadrants,
    trained,
    without_times,
)

CPU = torch.device("cpu")
GENOTYPE = as_architecture(
    Genotype(
        normal=(("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 1), ("dil_conv_3x3", 2)),
        normal_concat=(2, 3),
        reduce=(("max_pool_3x3", 0), ("skip_connect", 1), ("sep_conv_3x3", 0), ("skip_connect", 2)),
        reduce_concat=(2, 3),
    )
)
DARTS = {"lr_per": "epoch", "grad_clip": 5.0, "nesterov": False, "drop_path": 0.3, "auxiliary": 0.4}


def cells(architecture=GENOTYPE, **settings):
    """A task on networks of cells, and a job of one of them."""
    data = quadrants(train=96)
    size = NetworkSize(4, 3 if architecture.space == "darts" else 1, len(data.classes), 1)
    chosen = {"total_epochs": 4, "batch": 32, "lr": 0.05, **settings}
    return Task(data, size, TrainSettings(**chosen)), a_job(0, 4, architecture=architecture)


def started(task, job, micro_batch=32):
    with surroundings(1, CPU):
        training = start(job, task, CPU, micro_batch)
    training.network.train()
    return training


def one_batch(task):
    return next(batches(task.data.train, batch=32, mean=task.data.mean, std=task.data.std))


def gradients(training):
    return {name: p.grad.clone() for name, p in training.optimizer.parameters.items() if p.grad is not None}


def test_the_objective_is_the_loss_and_the_weighted_loss_of_the_second_head():
    task, job = cells(auxiliary=0.4)
    images, labels = one_batch(task)
    training, other = started(task, job), started(task, job)
    loss, right = _accumulate(training.forward, images, labels, 32, task.settings)
    seen = []
    other.network.blocks[2].register_forward_hook(lambda module, args, out: seen.append(out))  # cell 2 * 3 // 3
    logits = other.network(images)
    by_hand = F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(other.head(seen[0]), labels)
    by_hand.backward()
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels).detach())
    assert int(right) == int((logits.argmax(1) == labels).sum())
    expected = gradients(other)
    assert {name.split(".")[0] for name in expected} >= {"auxiliary", "stem", "classifier"}
    for name, gradient in gradients(training).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6)


def test_without_weight_there_is_no_head_and_the_network_begins_alike():
    bare, with_head = started(*cells(auxiliary=0.0)), started(*cells(auxiliary=0.4))
    assert bare.head is None
    left, right = bare.network.state_dict(), with_head.network.state_dict()
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert bare.params == with_head.params == count_params(bare.network)
    assert bare.macs == with_head.macs
    learnt = sum(parameter.numel() for parameter in with_head.optimizer.parameters.values())
    assert learnt == with_head.params + count_params(with_head.head)


@pytest.mark.parametrize("architecture", [GENOTYPE, CELL])
def test_the_head_changes_what_is_learned_before_it_and_nothing_behind_it(architecture):
    found = []
    for weight in (0.0, 0.4):
        task, job = cells(architecture, auxiliary=weight)
        images, labels = one_batch(task)
        training = started(task, job)
        _accumulate(training.forward, images, labels, 32, task.settings)
        found.append(gradients(training))
    assert not torch.equal(found[0]["stem.0.weight"], found[1]["stem.0.weight"])
    assert torch.equal(found[0]["classifier.weight"], found[1]["classifier.weight"])


def test_a_batch_in_parts_counts_every_image_once():
    task, job = cells(auxiliary=0.4)
    images, labels = one_batch(task)
    whole, parts = started(task, job), started(task, job)
    for training in (whole, parts):  # parts of a batch differ in batch statistics only
        training.network.eval()
        training.head.eval()
    losses = [_accumulate(t.forward, images, labels, m, task.settings) for t, m in ((whole, 32), (parts, 9))]
    torch.testing.assert_close(losses[0], losses[1])
    for name, gradient in gradients(whole).items():
        torch.testing.assert_close(gradients(parts)[name], gradient, rtol=1e-4, atol=1e-6)


def test_drop_path_rises_over_the_epochs_and_only_then_changes_bits():
    losses = {}
    for rate in (0.0, 0.5):
        task, job = cells(drop_path=rate)
        training, rates = started(task, job), []
        with surroundings(1, CPU):
            for _ in range(3):
                losses.setdefault(rate, []).append(_train_epoch(training, task.data)[0])
                rates.append(training.drop_path.rate if rate else 0)
                training.epoch += 1
    assert rates == [0, pytest.approx(0.5 / 4), pytest.approx(0.5 * 2 / 4)]
    assert losses[0.0][0] == losses[0.5][0]
    assert losses[0.0][1] != losses[0.5][1]


@pytest.mark.parametrize("option", [{"drop_path": 0.1}, {"auxiliary": 0.4}])
def test_a_network_without_cells_takes_neither(tmp_path, option):
    outcome = failed(train_rung(a_job(0, 1), a_task(**option), trained(a_job(0, 1), a_task(), tmp_path)[1]))
    assert outcome.kind == "checkpoint_damaged"  # the store held a training without the option
    outcome = failed(
        train_rung(a_job(0, 1, candidate_id=8), a_task(**option), trained(a_job(0, 1), a_task(), tmp_path)[1])
    )
    assert outcome.kind == "invalid"
    assert f"set train.{next(iter(option))}=0" in outcome.message
    with pytest.raises(SpaceError):
        started(a_task(**option), a_job(0, 1))


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.slow
def test_interrupted_after_any_epoch_it_ends_with_the_same_bits(tmp_path, at):
    task, job = cells(**DARTS, ema=0.9, augment="crop_flip_cutout")
    whole, straight = trained(job, task, tmp_path / "straight")
    asked = []
    part = trained_until(at, job, task, tmp_path / "stepped", asked)
    assert part.epoch == at
    rest, stepped = trained(dataclasses.replace(job, start_epoch=at), task, tmp_path / "stepped")
    assert_same_bits(straight, stepped)
    assert without_times(rest.curve) == without_times(whole.curve[at:])
    network = trained_network(7, stepped)
    assert sum(parameter.numel() for parameter in network.parameters()) == whole.params  # without the head


def trained_until(epoch, job, task, folder, asked):
    def stop():
        asked.append(1)
        return len(asked) == epoch

    return interrupted(train_rung(job, task, CheckpointStore(folder), stop=stop))


def test_all_images_are_trained_on_and_nothing_is_validated(tmp_path):
    task, job = cells(CELL, all_images=True, metric="loss")
    outcome, store = trained(job, task, tmp_path)
    point = outcome.curve[-1]
    assert (point.validation_loss, point.validation_accuracy, outcome.validation_accuracy) == (None, None, None)
    assert outcome.metric == -point.train_loss
    both = dataclasses.replace(task, data=task.data.with_all_images())
    assert len(both.data.train) == len(task.learned.train) == 96 + 40
    alike = dataclasses.replace(both, settings=task.settings.model_copy(update={"all_images": False}))
    by_hand, other = trained(job, alike, tmp_path / "hand")
    assert [p.train_loss for p in by_hand.curve] == [p.train_loss for p in outcome.curve]
    assert [p.train_accuracy for p in by_hand.curve] == [p.train_accuracy for p in outcome.curve]
    first, second = store.read(7).checkpoint, other.read(7).checkpoint
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_a_checkpoint_belongs_to_its_settings():
    def of(job=None, data=None, **settings):
        return job_identity(a_job(0, 4, **(job or {})), a_task(data, **settings))

    assert of(threads=5, device="cpu", channels_last=True, divergence_factor=9.0) == of()
    changed = [{"lr": 0.2}, {"drop_path": 0.1}, {"auxiliary": 0.4}, {"all_images": True}, {"lr_per": "epoch"}]
    facts = [
        {"job": {"seed": 4}},
        {"job": {"replica": 1}},
        {"job": {"architecture": GENOTYPE}},
        {"data": quadrants(71)},
    ]
    assert all(of(**other) != of() for other in (*changed, *facts))


@pytest.mark.parametrize("options", [{}, {**DARTS, "ema": 0.9}, {"momentum": 0.0}])
def test_the_size_of_a_checkpoint_is_known_before_the_training(tmp_path, options):
    task, job = cells(**options)
    before = torch.get_rng_state()
    expected = checkpoint_bytes(GENOTYPE, task)
    assert torch.equal(torch.get_rng_state(), before)
    assert trained(job, task, tmp_path)[0].checkpoint_bytes == pytest.approx(expected, abs=256)


def cut_out_of_more(architecture, size):
    network = Plain(size.classes)
    network.classifier.weight = torch.nn.Parameter(torch.randn(1000, 96)[: size.classes])
    return network


def test_a_weight_cut_out_of_a_larger_tensor_is_saved_without_the_rest():
    whole, part = (checkpoint_bytes(CELL, a_task(build=build)) for build in (plain, cut_out_of_more))
    assert part == pytest.approx(whole, abs=256)


def unbuildable(architecture, size):
    raise ValueError("no weights for this one")


def without_memory(architecture, size):
    raise MemoryError


@pytest.mark.parametrize("build", [None, unbuildable])
def test_a_network_that_cannot_be_built_will_leave_no_checkpoint(tmp_path, build):
    """The disk is planned before trainings begin, and one architecture must not end the search there."""
    foreign = Architecture("nasbench201", (0, 1))
    task = a_task(build=build)
    assert checkpoint_bytes(foreign, task) == 0
    store = CheckpointStore(tmp_path)
    assert failed(train_rung(a_job(0, 1, architecture=foreign), task, store)).final
    assert list(store.holdings()) == []
    with pytest.raises(MemoryError):  # a machine without room for the network says nothing of the network
        checkpoint_bytes(foreign, a_task(build=without_memory))


def test_a_whole_training_is_tried_again_past_damage_but_not_for_ever(tmp_path, monkeypatch):
    task, _ = cells(CELL)
    job = a_job(0, 4, candidate_id=0)
    whole, store = trained(job, task, tmp_path)
    path = store.folder / store.publications(0)[0].name
    path.write_bytes(path.read_bytes()[:-9])
    said = []
    outcome = train_whole(job, task, store, said.append)
    assert without_times(outcome.curve) == without_times(whole.curve)
    assert len(said) == 1
    assert "is damaged" in said[0]
    monkeypatch.setattr(store, "set_aside", lambda damage: "nothing done")
    path = store.folder / store.publications(0)[0].name
    path.write_bytes(path.read_bytes()[:-9])
    said.clear()
    assert train_whole(job, task, store, said.append).kind == "checkpoint_damaged"
    assert len(said) == MOST_TRIES - 1


def test_every_step_is_told_and_memory_running_out_as_well(tmp_path, monkeypatch):
    task, job = cells(CELL, total_epochs=2)
    real, steps, said = epoch._train_epoch, [], []

    def short_of_memory(training, *arguments):
        if training.micro_batch > 8:
            raise RuntimeError("CUDA error: out of memory")
        return real(training, *arguments)

    monkeypatch.setattr(epoch, "_train_epoch", short_of_memory)
    two = dataclasses.replace(job, stop_epoch=2)
    store = CheckpointStore(tmp_path)
    observed(train_rung(two, task, store, on_step=lambda *step: steps.append(step), say=said.append))
    assert steps == [(epoch, step, 3) for epoch in (1, 2) for step in (1, 2, 3)]
    assert said == [f"out of memory: training continues with {n} images at a time" for n in (16, 8)]
