"""Drop path, the auxiliary head and training on all images as options of the one trainer, on cells of both spaces."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.darts import Darts
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.cost import count_params
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.data import batches
from ranknosh.training import epoch
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.epoch import _train_epoch, accumulate
from ranknosh.training.evaluate import trained_network
from ranknosh.training.rung import MOST_TRIES, train_rung, train_whole
from ranknosh.training.settings import Recipe, TrainSettings
from ranknosh.training.surroundings import surroundings
from ranknosh.training.training import checkpoint_bytes, job_identity, start
from tests.ranknosh.training.train_samples import (
    CELL,
    Plain,
    a_job,
    a_recipe,
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
GENOTYPE = Darts(steps=2).of_genotype(
    Genotype(
        normal=(("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 1), ("dil_conv_3x3", 2)),
        normal_concat=(2, 3),
        reduce=(("max_pool_3x3", 0), ("skip_connect", 1), ("sep_conv_3x3", 0), ("skip_connect", 2)),
        reduce_concat=(2, 3),
    )
)
DARTS = {"lr_per": "epoch", "grad_clip": 5.0, "nesterov": False, "drop_path": 0.3, "auxiliary": 0.4}


def cells(architecture=GENOTYPE, **settings):
    """A recipe on networks of cells, and a job of one of them."""
    data = quadrants(train=96)
    space = Darts(4, 3, steps=2) if architecture.space == "darts" else NasBench201(4, 1)
    chosen = {"total_epochs": 4, "batch": 32, "lr": 0.05, **settings}
    return Recipe(space, make_task(data, {}), TrainSettings(**chosen)), a_job(0, 4, architecture=architecture)


def started(recipe, job, micro_batch=32):
    with surroundings(1, CPU):
        training = start(job, recipe, CPU, micro_batch)
    training.network.train()
    return training


def one_batch(recipe):
    return next(batches(recipe.data.train, recipe.data.preparation, batch=32))


def gradients(training):
    return {name: p.grad.clone() for name, p in training.optimizer.parameters.items() if p.grad is not None}


def test_the_objective_is_the_loss_and_the_weighted_loss_of_the_second_head():
    recipe, job = cells(auxiliary=0.4)
    images, labels = one_batch(recipe)
    training, other = started(recipe, job), started(recipe, job)
    loss, outputs = accumulate(training.model, images, labels, 32, recipe)
    seen = []
    other.network.blocks[2].register_forward_hook(lambda module, args, out: seen.append(out))  # cell 2 * 3 // 3
    logits = other.network(images)
    by_hand = F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(other.head(seen[0]), labels)
    by_hand.backward()
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels).detach())
    torch.testing.assert_close(outputs, logits.detach())
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
    assert bare.costs["params"] == with_head.costs["params"] == count_params(bare.network)
    assert bare.costs["macs"] == with_head.costs["macs"]
    learnt = sum(parameter.numel() for parameter in with_head.optimizer.parameters.values())
    assert learnt == with_head.costs["params"] + count_params(with_head.head)


@pytest.mark.parametrize("architecture", [GENOTYPE, CELL])
def test_the_head_changes_what_is_learned_before_it_and_nothing_behind_it(architecture):
    found = []
    for weight in (0.0, 0.4):
        recipe, job = cells(architecture, auxiliary=weight)
        images, labels = one_batch(recipe)
        training = started(recipe, job)
        accumulate(training.model, images, labels, 32, recipe)
        found.append(gradients(training))
    assert not torch.equal(found[0]["stem.0.weight"], found[1]["stem.0.weight"])
    assert torch.equal(found[0]["classifier.weight"], found[1]["classifier.weight"])


def test_a_batch_in_parts_counts_every_image_once():
    recipe, job = cells(auxiliary=0.4)
    images, labels = one_batch(recipe)
    whole, parts = started(recipe, job), started(recipe, job)
    for training in (whole, parts):  # parts of a batch differ in batch statistics only
        training.network.eval()
        training.head.eval()
    losses = [accumulate(t.model, images, labels, m, recipe) for t, m in ((whole, 32), (parts, 9))]
    torch.testing.assert_close(losses[0], losses[1])
    for name, gradient in gradients(whole).items():
        torch.testing.assert_close(gradients(parts)[name], gradient, rtol=1e-4, atol=1e-6)


def test_drop_path_rises_over_the_epochs_and_only_then_changes_bits():
    losses = {}
    for rate in (0.0, 0.5):
        recipe, job = cells(drop_path=rate)
        training, rates = started(recipe, job), []
        with surroundings(1, CPU):
            for _ in range(3):
                losses.setdefault(rate, []).append(_train_epoch(training, recipe.data)["loss"])
                rates.append(training.drop_path.rate if rate else 0)
                training.epoch += 1
    assert rates == [0, pytest.approx(0.5 / 4), pytest.approx(0.5 * 2 / 4)]
    assert losses[0.0][0] == losses[0.5][0]
    assert losses[0.0][1] != losses[0.5][1]


@pytest.mark.parametrize("option", [{"drop_path": 0.1}, {"auxiliary": 0.4}])
def test_a_network_without_cells_takes_neither(tmp_path, option):
    outcome = failed(train_rung(a_job(0, 1), a_recipe(**option), trained(a_job(0, 1), a_recipe(), tmp_path)[1]))
    assert outcome.kind == "checkpoint_damaged"  # the store held a training without the option
    outcome = failed(
        train_rung(a_job(0, 1, candidate_id=8), a_recipe(**option), trained(a_job(0, 1), a_recipe(), tmp_path)[1])
    )
    assert outcome.kind == "invalid"
    assert f"set train.{next(iter(option))}=0" in outcome.message
    with pytest.raises(SpaceError):
        started(a_recipe(**option), a_job(0, 1))


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.slow
def test_interrupted_after_any_epoch_it_ends_with_the_same_bits(tmp_path, at):
    recipe, job = cells(**DARTS, ema=0.9, augment="crop_flip_cutout")
    whole, straight = trained(job, recipe, tmp_path / "straight")
    asked = []
    part = trained_until(at, job, recipe, tmp_path / "stepped", asked)
    assert part.epoch == at
    rest, stepped = trained(dataclasses.replace(job, start_epoch=at), recipe, tmp_path / "stepped")
    assert_same_bits(straight, stepped)
    assert without_times(rest.curve) == without_times(whole.curve[at:])
    network = trained_network(7, stepped, recipe.space)
    assert sum(parameter.numel() for parameter in network.parameters()) == whole.costs["params"]  # without the head


def trained_until(epoch, job, recipe, folder, asked):
    def stop():
        asked.append(1)
        return len(asked) == epoch

    return interrupted(train_rung(job, recipe, CheckpointStore(folder), stop=stop))


def test_all_images_are_trained_on_and_nothing_is_validated(tmp_path):
    recipe, job = cells(CELL, all_data=True, metric="loss")
    outcome, store = trained(job, recipe, tmp_path)
    point = outcome.curve[-1]
    assert (point.metrics, outcome.metrics) == ({}, {})
    assert outcome.metric == -point.train_loss
    both = recipe.with_data(recipe.data.with_all_learned())
    assert len(both.data.train) == len(recipe.learned.train) == 96 + 40
    alike = dataclasses.replace(both, settings=recipe.settings.model_copy(update={"all_data": False}))
    by_hand, other = trained(job, alike, tmp_path / "hand")
    assert [p.train_loss for p in by_hand.curve] == [p.train_loss for p in outcome.curve]
    assert [p.train_metrics["accuracy"] for p in by_hand.curve] == [p.train_metrics["accuracy"] for p in outcome.curve]
    first, second = store.read(7).checkpoint, other.read(7).checkpoint
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_a_checkpoint_belongs_to_its_settings():
    def of(job=None, data=None, **settings):
        return job_identity(a_job(0, 4, **(job or {})), a_recipe(data, **settings))

    assert of(threads=5, device="cpu", channels_last=True, divergence_factor=9.0) == of()
    changed = [{"lr": 0.2}, {"drop_path": 0.1}, {"auxiliary": 0.4}, {"all_data": True}, {"lr_per": "epoch"}]
    facts = [
        {"job": {"seed": 4}},
        {"job": {"replica": 1}},
        {"job": {"architecture": GENOTYPE}},
        {"data": quadrants(71)},
    ]
    assert all(of(**other) != of() for other in (*changed, *facts))
    recipe, job = cells()
    for space in (Darts(4, 4, steps=2), Darts(5, 3, steps=2), NasBench201(4, 3)):
        assert job_identity(job, dataclasses.replace(recipe, space=space)) != job_identity(job, recipe)


@pytest.mark.parametrize("options", [{}, {**DARTS, "ema": 0.9}, {"momentum": 0.0}])
def test_the_size_of_a_checkpoint_is_known_before_the_training(tmp_path, options):
    recipe, job = cells(**options)
    before = torch.get_rng_state()
    expected = checkpoint_bytes(GENOTYPE, recipe)
    assert torch.equal(torch.get_rng_state(), before)
    assert trained(job, recipe, tmp_path)[0].checkpoint_bytes == pytest.approx(expected, abs=256)


def cut_out_of_more(architecture, signature):
    network = Plain(*signature.outputs)
    network.classifier.weight = torch.nn.Parameter(torch.randn(1000, 96)[: signature.outputs[0]])
    return network


def test_a_weight_cut_out_of_a_larger_tensor_is_saved_without_the_rest():
    whole, part = (checkpoint_bytes(CELL, a_recipe(build=build)) for build in (plain, cut_out_of_more))
    assert part == pytest.approx(whole, abs=256)


def unbuildable(architecture, signature):
    raise ValueError("no weights for this one")


def without_memory(architecture, signature):
    raise MemoryError


@pytest.mark.parametrize("build", [None, unbuildable])
def test_a_network_that_cannot_be_built_will_leave_no_checkpoint(tmp_path, build):
    """The disk is planned before trainings begin, and one architecture must not end the search there."""
    foreign = Architecture("nasbench201", (0, 1))
    recipe = a_recipe(build=build)
    assert checkpoint_bytes(foreign, recipe) == 0
    store = CheckpointStore(tmp_path)
    assert failed(train_rung(a_job(0, 1, architecture=foreign), recipe, store)).final
    assert list(store.holdings()) == []
    with pytest.raises(MemoryError):  # a machine without room for the network says nothing of the network
        checkpoint_bytes(foreign, a_recipe(build=without_memory))


def test_a_whole_training_is_tried_again_past_damage_but_not_for_ever(tmp_path, monkeypatch):
    recipe, _ = cells(CELL)
    job = a_job(0, 4, candidate_id=0)
    whole, store = trained(job, recipe, tmp_path)
    path = store.folder / store.publications(0)[0].name
    path.write_bytes(path.read_bytes()[:-9])
    said = []
    outcome = train_whole(job, recipe, store, said.append)
    assert without_times(outcome.curve) == without_times(whole.curve)
    assert len(said) == 1
    assert "is damaged" in said[0]
    monkeypatch.setattr(store, "set_aside", lambda damage: "nothing done")
    path = store.folder / store.publications(0)[0].name
    path.write_bytes(path.read_bytes()[:-9])
    said.clear()
    assert train_whole(job, recipe, store, said.append).kind == "checkpoint_damaged"
    assert len(said) == MOST_TRIES - 1


def test_every_step_is_told_and_memory_running_out_as_well(tmp_path, monkeypatch):
    recipe, job = cells(CELL, total_epochs=2)
    real, steps, said = epoch._train_epoch, [], []

    def short_of_memory(training, *arguments):
        if training.micro_batch > 8:
            raise RuntimeError("CUDA error: out of memory")
        return real(training, *arguments)

    monkeypatch.setattr(epoch, "_train_epoch", short_of_memory)
    two = dataclasses.replace(job, stop_epoch=2)
    store = CheckpointStore(tmp_path)
    observed(train_rung(two, recipe, store, on_step=lambda *step: steps.append(step), say=said.append))
    assert steps == [(epoch, step, 3) for epoch in (1, 2) for step in (1, 2, 3)]
    assert said == [f"out of memory: training continues with {n} examples at a time" for n in (16, 8)]
