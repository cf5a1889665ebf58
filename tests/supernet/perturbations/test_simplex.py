"""supernet/perturbations/simplex.py: the way back to the simplex, and what must not move."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.mix import Mix
from supernet.perturbations import AdversarialSmoothing, RandomSmoothing
from supernet.perturbations.simplex import MovableWeights, movable_weights
from supernet.relaxations import GumbelPath
from supernet.updates import SingleLevel
from supernet.weightings import NodeSoftmax
from tests.supernet_cases import bare, tiny_search


def test_rows_come_back_by_cutting_and_dividing():
    theta = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0]])
    free = torch.tensor([[True] * 3, [True] * 3, [True, True, False], [False] * 3])
    moved = torch.tensor([[0.8, -0.1, 1.2], [-0.3, -0.1, -0.2], [0.3, 0.9, 0.7], [0.5, 0.5, 0.5]])
    found = MovableWeights(theta, free, None).clipped(moved)
    expected = [[0.8 / 1.8, 0, 1 / 1.8], [0, 1, 0], [0.25, 0.75, 0], [0, 1, 0]]
    torch.testing.assert_close(found, torch.tensor(expected))


@pytest.mark.parametrize("part", [RandomSmoothing(lambda *_: 0.3), AdversarialSmoothing(lambda *_: 0.3)])
def test_decided_edges_masks_and_edge_factors_are_kept(part):
    search = tiny_search(bare(1, weighting=NodeSoftmax()))
    search.states.fix("normal", 2, 3)
    search.states.prune("normal", 1)
    search.states.forbid("normal", 4, 2)
    mix = search.mix("weights", detached=True)
    theta = part.perturb(search, mix, next(search.batches("weights"))).theta["normal"]
    before = mix.theta["normal"]
    assert torch.equal(theta[1], torch.zeros(5))
    assert torch.equal(theta[2], torch.eye(5)[3])
    assert theta[4, 2] == 0
    assert not torch.equal(theta[0], before[0])
    torch.testing.assert_close(theta.sum(1)[[0, 3, 4, 5]], mix.edge_factors["normal"][[0, 3, 4, 5]])


def test_weights_without_their_factors_are_the_softmax():
    search = tiny_search(bare(1, weighting=NodeSoftmax()))
    found = movable_weights(search, search.mix("weights"))["normal"]
    torch.testing.assert_close(found.theta, torch.softmax(search.alphas["normal"].detach(), 1))
    assert not found.theta.requires_grad
    torch.testing.assert_close(found.weights(found.theta), search.mix("weights", detached=True).theta["normal"])


def test_what_is_no_softmax_and_what_has_one_step_is_refused():
    with pytest.raises(ConfigError, match="perturbs the weights of a softmax"):
        tiny_search(bare(1, perturbation=RandomSmoothing(), relaxation=GumbelPath()))
    with pytest.raises(ConfigError, match="use two levels"):
        tiny_search(bare(1, perturbation=RandomSmoothing(), update=SingleLevel()))


@pytest.mark.parametrize("part", [RandomSmoothing, AdversarialSmoothing])
def test_a_radius_of_zero_changes_nothing(part):
    plain, still = (tiny_search(bare(1, perturbation=p)) for p in (None, part(lambda *_: 0.0)))
    assert plain.run_epoch().weights_loss == still.run_epoch().weights_loss
    assert torch.equal(plain.alphas["normal"], still.alphas["normal"])
    mix = still.mix("weights")
    assert isinstance(mix, Mix)
    assert still.method.perturbation.perturb(still, mix, next(still.batches("weights"))) is mix
