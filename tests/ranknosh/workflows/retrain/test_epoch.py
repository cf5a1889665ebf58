"""ranknosh/workflows/retrain/epoch.py: schedules, the auxiliary loss and cutout against hand-made ones."""

import math

import pytest
import torch
import torch.nn.functional as F

from ranknosh.data import batches
from ranknosh.data.base import Split
from ranknosh.spaces.nets import count_params
from ranknosh.training.schedule import learning_rate
from ranknosh.training.surroundings import surroundings
from ranknosh.workflows.retrain import preset
from ranknosh.workflows.retrain.epoch import accumulate, rate_at, run_epoch
from ranknosh.workflows.retrain.subject import Subject
from ranknosh.workflows.retrain.training import Plan, start
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE, a_plan, quadrants

CPU = torch.device("cpu")


def started(plan, micro_batch=32):
    with surroundings(1, CPU):
        return start(plan, CPU, micro_batch)


def test_the_published_cosine_moves_once_an_epoch():
    plan = Plan(Subject(GENOTYPE), preset("cifar", "darts"), quadrants(), 0)
    for epoch in (0, 1, 300, 599):
        by_hand = 0.025 * 0.5 * (1 + math.cos(math.pi * epoch / 600))
        for step in (0, 7, 520):
            assert rate_at(plan, epoch, step, 521) == pytest.approx(by_hand, rel=1e-12)
    assert rate_at(plan, 300, 0, 521) == pytest.approx(0.0125)


def test_steps_and_warm_up():
    plan = a_plan("train.lr_per=step", "train.warmup_epochs=1.5", "train.epochs=4")
    for epoch in range(4):
        for step in range(10):
            assert rate_at(plan, epoch, step, 10) == pytest.approx(learning_rate(plan.settings, 10 * epoch + step, 10))
    slow = a_plan("train.warmup_epochs=2", "train.epochs=4")
    assert rate_at(slow, 1, 4, 10) == pytest.approx(0.05 * 0.5 * (1 + math.cos(math.pi / 4)) * 15 / 20)


def gradients(training):
    return {name: p.grad.clone() for name, p in training.network.named_parameters() if p.grad is not None}


def one_batch(plan):
    data = plan.learned
    return next(batches(data.train, batch=32, mean=data.mean, std=data.std))


def test_the_objective_is_the_loss_and_the_weighted_loss_of_the_second_head():
    plan = a_plan("train.auxiliary=0.4")
    images, labels = one_batch(plan)
    training, other = started(plan), started(plan)
    training.network.train()
    loss, right = accumulate(training, images, labels, plan)
    plain, head = other.network.plain.train(), other.network.auxiliary.train()
    seen = []
    plain.blocks[2].register_forward_hook(lambda module, args, out: seen.append(out))  # cell 2 * 3 // 3
    logits = plain(images)
    by_hand = F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(head(seen[0]), labels)
    by_hand.backward()
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels).detach())
    assert int(right) == int((logits.argmax(1) == labels).sum())
    expected = gradients(other)
    for name, gradient in gradients(training).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-6)


def test_without_weight_there_is_no_head_and_the_network_begins_alike():
    bare, with_head = started(a_plan("train.auxiliary=0")), started(a_plan("train.auxiliary=0.4"))
    assert bare.network.auxiliary is None
    left, right = bare.network.plain.state_dict(), with_head.network.plain.state_dict()
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert bare.params == with_head.params == count_params(bare.network)
    assert bare.macs == with_head.macs
    assert count_params(with_head.network) > with_head.params


def test_the_head_changes_what_is_learned_and_is_silent_in_evaluation():
    plan = a_plan("train.auxiliary=0.4")
    images, labels = one_batch(plan)
    found = []
    for weight in (0, 0.4):
        chosen = a_plan(f"train.auxiliary={weight}")
        training = started(chosen)
        training.network.train()
        accumulate(training, images, labels, chosen)
        found.append(gradients(training))
        logits = training.network.eval()(images)
        assert logits.shape == (32, 4)
    assert not torch.equal(found[0]["plain.stem.0.weight"], found[1]["plain.stem.0.weight"])
    assert torch.equal(found[0]["plain.classifier.weight"], found[1]["plain.classifier.weight"])


def test_nasbench201_networks_may_have_a_head_too():
    plan = a_plan("train.auxiliary=0.4", cell=CELL)
    training = started(plan)
    logits, second = training.network.train()(one_batch(plan)[0])
    assert logits.shape == second.shape == (32, 4)


def test_cutout_of_the_recipe_is_16_pixels_at_32():
    augment = preset("cifar", "darts").train.augment
    white = Split(torch.full((400, 1, 32, 32), 255, dtype=torch.uint8), torch.zeros(400, dtype=torch.int64))
    generator = torch.Generator().manual_seed(0)
    ones = {"mean": torch.zeros(1), "std": torch.ones(1)}
    images, _ = next(batches(white, batch=400, augment=augment, generator=generator, **ones))
    cropped, _ = next(batches(white, batch=400, augment="crop_flip", generator=generator.manual_seed(0), **ones))
    cut = (images[:, 0] == 0) & (cropped[:, 0] != 0)
    inside = images[:, 0, 4:-4, 4:-4] == 0  # crops move black borders in by 4 pixels at most
    rows, columns = inside.any(2).sum(1), inside.any(1).sum(1)
    assert int(rows.max()) == int(columns.max()) == 16
    areas = cut.flatten(1).sum(1)
    assert int(areas.max()) == 256
    assert int(areas.min()) < 160  # a square may reach beyond the border


def test_drop_path_rises_over_the_epochs_and_only_then_changes_bits():
    lines = {}
    for rate in (0.0, 0.5):
        plan = a_plan(f"train.drop_path={rate}")
        training = started(plan)
        with surroundings(1, CPU):
            found = []
            for _ in range(3):
                found.append(run_epoch(training, plan, plan.learned))
                training.epoch += 1
        lines[rate] = found
    assert [line.drop_path for line in lines[0.5]] == [0, pytest.approx(0.5 / 3), pytest.approx(1 / 3)]
    assert lines[0.0][0].train_loss == lines[0.5][0].train_loss
    assert lines[0.0][1].train_loss != lines[0.5][1].train_loss


def test_a_batch_in_parts_counts_every_image_once():
    plan = a_plan("train.auxiliary=0")
    images, labels = one_batch(plan)
    whole, parts = started(plan, 32), started(plan, 9)
    for training in (whole, parts):
        for module in training.network.modules():
            module.eval()  # parts of a batch differ in batch statistics only
        training.network.training = True
    losses = [accumulate(training, images, labels, plan) for training in (whole, parts)]
    torch.testing.assert_close(losses[0], losses[1])
    for name, gradient in gradients(whole).items():
        torch.testing.assert_close(gradients(parts)[name], gradient, rtol=1e-4, atol=1e-6)
