import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ranknosh.training.epoch import _epoch_order, _train_epoch, accumulate, learning_rate, steps_per_epoch
from ranknosh.training.settings import TrainSettings
from ranknosh.training.surroundings import surroundings
from ranknosh.training.training import start
from tests.ranknosh.training.train_samples import Plain, a_job, a_recipe, normed, plain, quadrants

CPU = torch.device("cpu")


def gradients(network: nn.Module) -> list[torch.Tensor]:
    return [p.grad.clone() for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.9, True), (0.9, False), (0.0, True)])
def test_steps_equal_hand_written_ones(momentum, nesterov, channels_last):
    recipe = a_recipe(
        quadrants(train=48),
        build=plain,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=0.01,
        channels_last=channels_last,
        task={"label_smoothing": 0.1},
    )
    settings, data = recipe.settings, recipe.data
    with surroundings(1, CPU):
        training = start(a_job(0, 1), recipe, CPU, 16)
        by_hand = copy.deepcopy(training.network)
        losses = []
        for _ in range(2):
            losses.append(_train_epoch(training, data)["loss"])
            training.epoch += 1
    pixels = (data.train.inputs.float() / 255 - data.preparation.mean[:, None, None]) / data.preparation.std[
        :, None, None
    ]
    parameters = list(by_hand.parameters())
    velocities = [torch.zeros_like(p) for p in parameters]
    seen = []
    chosen_by_step = [*_epoch_order(48, 16, 3, 1).split(16), *_epoch_order(48, 16, 3, 2).split(16)]
    for step, chosen in enumerate(chosen_by_step):
        rate = learning_rate(settings, *divmod(step, 3), 3)
        log_p = torch.log_softmax(by_hand(pixels[chosen]), 1)
        target = torch.full_like(log_p, 0.1 / 4)
        target[torch.arange(16), data.train.targets[chosen]] += 0.9
        value = -(target * log_p).sum(1).mean()
        seen.append(value.item())
        grads = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            for p, g, v in zip(parameters, grads, velocities, strict=True):
                g = g + 0.01 * p
                v.mul_(momentum).add_(g)
                p -= rate * (g + momentum * v if nesterov else v)
    for mine, theirs in zip(training.network.parameters(), parameters, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    assert losses == pytest.approx([sum(seen[:3]) / 3, sum(seen[3:]) / 3], rel=1e-5)
    assert training.initial_loss == pytest.approx(seen[0], rel=1e-5)
    assert training.steps == 3


def test_a_module_that_is_never_run_is_left_alone():
    recipe = a_recipe(build=normed, weight_decay=0.1)
    with surroundings(1, CPU):
        training = start(a_job(0, 1), recipe, CPU, 16)
        before = training.network.unused.weight.clone()
        _train_epoch(training, recipe.data)
    assert torch.equal(training.network.unused.weight, before)
    assert "unused.weight" not in training.optimizer.velocity
    assert all(parameter.grad is None for parameter in training.network.parameters())


def test_averaged_network_has_statistics_of_its_own_at_the_epochs_end():
    recipe = a_recipe(build=normed, ema=0.9, augment="crop_flip")
    with surroundings(1, CPU):
        training = start(a_job(0, 1), recipe, CPU, 16)
        _train_epoch(training, recipe.data)
    network, data = training.average.network, recipe.data
    pixels = (data.train.inputs.float() / 255 - data.preparation.mean[:, None, None]) / data.preparation.std[
        :, None, None
    ]
    # 70 images in batches of 16, the last of 6; every batch counts alike
    means = [network.conv(pixels[chosen]).mean((0, 2, 3)) for chosen in _epoch_order(70, 16, 3, 1).split(16)]
    torch.testing.assert_close(network.bn.running_mean, sum(means) / 5, rtol=1e-4, atol=1e-5)
    assert training.average.updates == 5


@pytest.mark.parametrize("micro_batch", [1, 4, 7, 16])
def test_accumulated_gradient_is_the_batch_gradient(micro_batch):
    torch.manual_seed(0)
    network = Plain()
    images, labels = torch.randn(17, 1, 8, 8), torch.arange(17) % 4
    F.cross_entropy(network(images), labels, label_smoothing=0.2).backward()
    whole = gradients(network)
    network.zero_grad()
    recipe = a_recipe(task={"label_smoothing": 0.2})
    loss, outputs = accumulate(network, images, labels, micro_batch, recipe)
    torch.testing.assert_close(gradients(network), whole, rtol=1e-5, atol=1e-7)
    assert loss.item() == pytest.approx(F.cross_entropy(network(images), labels, label_smoothing=0.2).item(), rel=1e-5)
    assert not loss.requires_grad
    torch.testing.assert_close(outputs, network(images).detach())
    assert not outputs.requires_grad


def test_parts_are_at_most_the_micro_batch_and_never_a_stray_image():
    sizes = []

    class Watching(Plain):
        def forward(self, images):
            sizes.append(len(images))
            return super().forward(images)

    images, labels = torch.randn(17, 1, 8, 8), torch.arange(17) % 4
    accumulate(Watching(), images, labels, 4, a_recipe())
    assert sum(sizes) == 17
    assert max(sizes) <= 4
    assert min(sizes) >= 3


def test_gradient_clipping_bounds_the_step():
    data = quadrants(train=16)
    moved = {}
    for clip in (0.0, 1e-3):
        recipe = a_recipe(data, build=plain, grad_clip=clip, weight_decay=0.0, momentum=0.0, lr=0.5)
        with surroundings(1, CPU):
            training = start(a_job(0, 1), recipe, CPU, 16)
            before = nn.utils.parameters_to_vector(training.network.parameters()).detach().clone()
            _train_epoch(training, data)
        moved[clip] = (nn.utils.parameters_to_vector(training.network.parameters()) - before).norm().item()
    assert moved[1e-3] == pytest.approx(0.5 * 1e-3, rel=1e-2)
    assert moved[0.0] > 10 * moved[1e-3]


def test_bf16_is_used_on_request_and_stays_close():
    seen = []

    class Watching(Plain):
        def forward(self, images):
            out = super().forward(images)
            seen.append(out.dtype)
            return out

    torch.manual_seed(0)
    network, images, labels = Watching(), torch.randn(16, 1, 8, 8), torch.arange(16) % 4
    exact, _ = accumulate(network, images, labels, 16, a_recipe())
    rounded, _ = accumulate(network, images, labels, 16, a_recipe(amp="bf16"))
    assert seen == [torch.float32, torch.bfloat16]
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), rel=2e-2)


@pytest.mark.parametrize(
    ("images", "batch", "steps", "taken"),
    [(70, 16, 5, 70), (64, 16, 4, 64), (65, 16, 4, 64), (1, 16, 1, 1), (5, 1, 5, 5)],
)
def test_steps_of_an_epoch(images, batch, steps, taken):
    assert steps_per_epoch(images, batch) == steps
    order = _epoch_order(images, batch, seed=0, epoch=1)
    assert len(order) == taken
    assert len(set(order.tolist())) == taken
    assert math.ceil(taken / batch) == steps


def test_order_depends_on_seed_and_epoch_alone():
    first = _epoch_order(70, 16, seed=1, epoch=4)
    torch.manual_seed(99)
    assert torch.equal(first, _epoch_order(70, 16, seed=1, epoch=4))
    assert not torch.equal(first, _epoch_order(70, 16, seed=1, epoch=5))
    assert not torch.equal(first, _epoch_order(70, 16, seed=2, epoch=4))


def test_convolutions_are_laid_out_channels_last_by_default():
    with surroundings(1, CPU):
        training = start(a_job(0, 1), a_recipe(build=normed), CPU, 16)
        assert training.network.unused.weight.is_contiguous(memory_format=torch.channels_last)
        assert training.channels_last
        off = start(a_job(0, 1), a_recipe(build=normed, channels_last=False), CPU, 16)
    assert not off.channels_last


def test_cosine_by_hand():
    settings = TrainSettings(total_epochs=4, lr=0.2)
    # 4 epochs of 3 steps: position = step / 12
    assert learning_rate(settings, 0, 0, 3) == 0.2
    assert learning_rate(settings, 1, 0, 3) == pytest.approx(0.1 * (1 + math.sqrt(2) / 2))
    assert learning_rate(settings, 1, 1, 3) == pytest.approx(0.15)
    assert learning_rate(settings, 2, 0, 3) == pytest.approx(0.1)
    assert learning_rate(settings, 2, 2, 3) == pytest.approx(0.05)
    assert learning_rate(settings, 3, 2, 3) == pytest.approx(0.1 * (1 - math.cos(math.pi / 12)))


def test_the_published_cosine_of_darts_moves_once_an_epoch():
    settings = TrainSettings(total_epochs=600, lr=0.025, lr_per="epoch")
    for epoch in (0, 1, 300, 599):
        by_hand = 0.025 * 0.5 * (1 + math.cos(math.pi * epoch / 600))
        for step in (0, 7, 520):
            assert learning_rate(settings, epoch, step, 521) == pytest.approx(by_hand, rel=1e-12)
    slow = TrainSettings(total_epochs=4, lr=0.05, lr_per="epoch", warmup_epochs=2)
    assert learning_rate(slow, 1, 4, 10) == pytest.approx(0.05 * 0.5 * (1 + math.cos(math.pi / 4)) * 15 / 20)


def test_the_linear_and_the_exponential_schedule_by_hand():
    linear = TrainSettings(total_epochs=4, lr=0.2, schedule="linear")
    assert [learning_rate(linear, *at, 2) for at in ((0, 0), (0, 1), (2, 0), (3, 1))] == pytest.approx(
        [0.2, 0.2 * 7 / 8, 0.1, 0.2 / 8]
    )
    whole = TrainSettings(total_epochs=4, lr=0.2, schedule="linear", lr_per="epoch", warmup_epochs=1)
    assert [learning_rate(whole, *at, 2) for at in ((0, 0), (1, 1), (3, 1))] == pytest.approx([0.1, 0.15, 0.05])
    falling = TrainSettings(total_epochs=250, lr=0.1, schedule="exponential", lr_per="epoch")
    assert [learning_rate(falling, epoch, 5, 9) for epoch in (0, 1, 100)] == pytest.approx(
        [0.1, 0.097, 0.1 * 0.97**100]
    )
    halved = TrainSettings(total_epochs=4, lr=0.2, schedule="exponential", lr_decay=0.25)
    assert learning_rate(halved, 1, 1, 2) == pytest.approx(0.2 * 0.25**1.5)


def test_ramp_by_hand():
    settings = TrainSettings(total_epochs=4, lr=0.2, warmup_epochs=1.5)
    plain = TrainSettings(total_epochs=4, lr=0.2)
    # 1.5 epochs of 4 steps are 6 ramp steps
    for step in range(16):
        factor = min(1, (step + 1) / 6)
        assert learning_rate(settings, *divmod(step, 4), 4) == pytest.approx(
            factor * learning_rate(plain, *divmod(step, 4), 4)
        )


def test_a_lower_level_is_not_annealed_to_zero():
    settings = TrainSettings(total_epochs=100, lr=0.1)
    end_of_first_level = learning_rate(settings, 9, 19, 20)
    assert end_of_first_level > 0.097
