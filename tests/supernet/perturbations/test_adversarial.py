"""supernet/perturbations/adversarial.py."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from supernet.parts import EdgeDropPath, NoisySkip
from supernet.perturbations import AdversarialSmoothing
from supernet.perturbations.adversarial import step_in_ball
from supernet.perturbations.random import uniform_noise
from supernet.perturbations.simplex import movable_weights
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search


def loss_of(search, mix, batch):
    images, labels = batch
    training = search.net.training
    search.net.eval()
    with torch.no_grad():
        loss = functional.cross_entropy(search.net(images, mix), labels)
    search.net.train(training)
    return loss


def test_a_step_never_leaves_the_ball():
    centre = torch.tensor([[0.2, 0.3, 0.5]])
    point = torch.tensor([[0.29, 0.30, 0.41]])
    gradient = torch.tensor([[4.0, -0.001, 0.0]])
    found = step_in_ball(point, gradient, centre, radius=0.1, steps=5)
    torch.testing.assert_close(found, torch.tensor([[0.3, 0.26, 0.41]]))


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_the_loss_rises_and_nothing_else_changes(case):
    search = tiny_search(bare(), case())
    part = AdversarialSmoothing(lambda *_: 0.2)
    batch = next(search.batches("weights"))
    mix = search.mix("weights", detached=True)
    state = copy.deepcopy(search.net.state_dict())
    alphas = copy.deepcopy(dict(search.parameters))
    search.net.train()
    found = part.perturb(search, mix, batch)
    assert search.net.training
    assert loss_of(search, found, batch) > loss_of(search, mix, batch)
    assert found.moment.phase == "weights"
    assert all(torch.equal(state[name], value) for name, value in search.net.state_dict().items())
    assert all(torch.equal(alphas[name], p) for name, p in search.parameters.items())
    assert all(p.grad is None for p in (*search.net.parameters(), *search.parameters.values()))
    for theta in found.theta.values():
        torch.testing.assert_close(theta.sum(1), torch.ones(len(theta)))


def test_the_attack_is_the_one_written_by_hand():
    radius, steps = 0.1, 3
    search = tiny_search(bare())
    batch = next(search.batches("weights"))
    mix = search.mix("weights", detached=True)
    found = AdversarialSmoothing(lambda *_: radius, steps).perturb(search, mix, batch).theta["normal"]
    centre = mix.theta["normal"]
    noise = uniform_noise(movable_weights(search, mix), radius, mix.seed)["normal"]

    def back(theta):
        theta = theta.clamp(0, 1)
        return theta / theta.sum(1, keepdim=True)

    theta = back(centre + noise)
    search.net.eval()
    for _ in range(steps):
        theta = theta.detach().requires_grad_()
        functional.cross_entropy(search.net(batch[0], mix.with_theta({"normal": theta})), batch[1]).backward()
        moved = theta.detach() + 2 * radius / steps * theta.grad.sign()
        theta = back(torch.minimum(torch.maximum(moved, centre - radius), centre + radius))
    torch.testing.assert_close(found, theta)


def test_where_the_loss_does_not_rise_the_weights_stay():
    """One operation an edge: every row comes back to 1, so no perturbation changes the loss."""
    search = tiny_search(bare())
    for edge in range(6):
        for place in (0, 2, 3, 4):
            search.states.forbid("normal", edge, place)
    mix = search.mix("weights", detached=True)
    assert AdversarialSmoothing(lambda *_: 0.2).perturb(search, mix, next(search.batches("weights"))) is mix


def test_the_attack_sees_nothing_of_what_parts_add_in_training():
    found = []
    for parts in ((), (EdgeDropPath(Constant(0.5)), NoisySkip(0.5))):
        search = tiny_search(bare(parts=parts))
        mix = search.mix("weights", detached=True)
        found.append(AdversarialSmoothing().perturb(search, mix, next(search.batches("weights"))).theta["normal"])
    assert torch.equal(*found)


def test_a_search_goes_the_same_way_again_and_another_than_without():
    losses = []
    for perturbation in (
        AdversarialSmoothing(),
        AdversarialSmoothing(),
        None,
        replace(AdversarialSmoothing(), steps=1),
    ):
        losses.append(tiny_search(bare(1, perturbation=perturbation), images=16).run_epoch().weights_loss)
    assert losses[0] == losses[1]
    assert len(set(losses[1:])) == 3
