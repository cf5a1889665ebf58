"""Mixup: blends by hand, the same loss as soft targets, and trainings that go on as if nothing had interrupted them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ranknosh.errors import ConfigError
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.data import Split, assemble
from ranknosh.training.epoch import accumulate
from ranknosh.training.mixup import Blend, blended
from ranknosh.training.settings import Recipe
from ranknosh.training.training import start
from tests.exported_nets import TASKS, task_of
from tests.ranknosh.training.train_samples import (
    a_job,
    a_recipe,
    assert_same_bits,
    normed,
    plain,
    quadrants,
    tensors_of,
    trained,
)

CPU = torch.device("cpu")


def test_a_batch_is_blended_with_itself_in_another_order():
    inputs, targets = torch.randn(6, 1, 4, 4), torch.arange(6)
    for seed in range(8):
        found, blend = blended(inputs, targets, 0.4, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        drawn, order = rng.beta(0.4, 0.4), torch.from_numpy(rng.permutation(6))
        assert blend.share == max(drawn, 1 - drawn)
        assert torch.equal(blend.targets, order)
        torch.testing.assert_close(found, blend.share * inputs + (1 - blend.share) * inputs[order])


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_its_loss_is_that_of_soft_targets(task):
    made = task_of(task, TASKS[task][0])
    targets, count = made.data.train.targets[:8], made.signature.outputs[0]
    outputs, order, share = torch.randn(8, count), torch.randperm(8), 0.7
    found = Blend(share, targets[order]).loss(made, outputs, targets)
    whole = F.one_hot(targets, count).float() if task == "classification" else targets
    judge = F.cross_entropy if task == "classification" else F.binary_cross_entropy_with_logits
    torch.testing.assert_close(found, judge(outputs, share * whole + (1 - share) * whole[order]))


def test_gradients_are_those_of_the_blended_batch_in_parts_too():
    recipe = a_recipe(build=plain, mixup=0.5, task={"label_smoothing": 0.1})
    targets = recipe.data.train.targets[:12]
    inputs, blend = blended(recipe.data.train.inputs[:12] / 255, targets, 0.5, np.random.default_rng(1))
    soft = blend.share * F.one_hot(targets, 4) + (1 - blend.share) * F.one_hot(blend.targets, 4)
    by_hand = start(a_job(0, 1), recipe, CPU, 12).network
    wanted = F.cross_entropy(by_hand(inputs), 0.9 * soft + 0.1 / 4)
    wanted.backward()
    for micro_batch in (12, 5):
        network = start(a_job(0, 1), recipe, CPU, micro_batch).network
        loss, _ = accumulate(network, inputs, targets, micro_batch, recipe, blend)
        torch.testing.assert_close(loss, wanted.detach())
        for mine, theirs in zip(network.parameters(), by_hand.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("option", [{"mixup": 0.2}, {"randaugment": 9}])
def test_it_changes_what_is_learned_and_an_interrupted_training_ends_with_the_same_bits(tmp_path, option):
    if "randaugment" in option:
        pytest.importorskip("torchvision")
    recipe = a_recipe(quadrants(train=40), build=normed, **option)
    _, straight = trained(a_job(0, 3), recipe, tmp_path / "straight")
    for stop in (1, 2):
        trained(a_job(0, stop), recipe, tmp_path / str(stop))
        _, resumed = trained(a_job(stop, 3), recipe, tmp_path / str(stop))
        assert_same_bits(straight, resumed)
    _, without = trained(a_job(0, 3), a_recipe(quadrants(train=40), build=normed), tmp_path / "without")
    mine, other = tensors_of(straight), tensors_of(without)
    assert not torch.equal(mine["weights.conv.weight"], other["weights.conv.weight"])


@pytest.mark.parametrize("task", ["regression", "dense", "tokens"])
def test_tasks_without_blends_refuse_it(task):
    made = task_of(task, TASKS[task][0])
    with pytest.raises(ConfigError, match=rf"train\.mixup is 0\.2, .* the task {task} on .* write train\.mixup: 0"):
        Recipe(a_recipe().space, made, a_recipe(mixup=0.2).settings)


def test_a_class_for_a_sequence_refuses_it_too():
    inputs = task_of("tokens", TASKS["tokens"][0]).data.train.inputs
    split = Split(inputs, torch.arange(len(inputs)) % 2)
    task = make_task(assemble("texts", [split] * 3, ("a", "b")), {"name": "tokens"})
    with pytest.raises(ConfigError, match=r"train\.mixup is 0\.2"):
        Recipe(a_recipe().space, task, a_recipe(mixup=0.2).settings)
