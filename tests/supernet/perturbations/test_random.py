"""supernet/perturbations/random.py."""

import pytest
import torch

from supernet.perturbations import RandomSmoothing
from supernet.perturbations.random import uniform_noise
from supernet.perturbations.simplex import movable_weights
from supernet.schedules import Linear
from tests.supernet_cases import bare, tiny_search


def test_noise_fills_the_ball_and_follows_its_seed():
    search = tiny_search(bare())
    edges = movable_weights(search, search.mix("weights"))
    noise = [uniform_noise(edges, 0.1, seed)["normal"] for seed in range(200)]
    values = torch.stack(noise)
    assert float(values.abs().max()) <= 0.1
    assert float(values.abs().max()) > 0.099
    assert float(values.mean()) == pytest.approx(0.0, abs=0.004)
    assert float(values.std()) == pytest.approx(0.1 / 3**0.5, rel=0.02)
    assert torch.equal(noise[3], uniform_noise(edges, 0.1, 3)["normal"])


def test_every_step_sees_other_weights_on_the_simplex_and_the_alphas_stay():
    search = tiny_search(bare(perturbation=RandomSmoothing(lambda *_: 0.1)))
    alphas = search.alphas["normal"].detach().clone()
    batch = next(search.batches("weights"))
    first, second = (search.method.perturbation.perturb(search, search.mix("weights"), batch) for _ in range(2))
    assert torch.equal(alphas, search.alphas["normal"])
    assert not torch.equal(first.theta["normal"], second.theta["normal"])
    for mix in (first, second):
        theta = mix.theta["normal"]
        torch.testing.assert_close(theta.sum(1), torch.ones(6))
        assert bool((theta >= 0).all())
        # 0.2 +- 0.1, and its row divided by 1 +- 0.5
        assert 0.1 / 1.5 <= float(theta.min()) < 0.2 < float(theta.max()) <= 0.3 / 0.5


def test_the_radius_grows_over_the_search():
    part = RandomSmoothing(Linear(0.03, 0.3))
    search = tiny_search(bare(10, perturbation=part))
    found = []
    for epoch in (0, 5, 9, 10, 14):
        search.epoch = epoch
        found.append(part.radius_now(search))
    assert found == pytest.approx([0.03, 0.165, 0.273, 0.3, 0.3])
