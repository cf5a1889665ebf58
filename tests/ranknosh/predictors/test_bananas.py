"""BANANAS: what its networks learn, and which mutant it picks."""

import numpy as np
import pytest
import torch

from ranknosh.predictors import bananas as module
from ranknosh.predictors.bananas import Ensemble, bananas, errors
from ranknosh.predictors.base import Encodings
from ranknosh.predictors.own_proposer import Result
from ranknosh.predictors.rivals import mutants
from ranknosh.streams import stream
from tests.ranknosh.predictors.landscapes import SPACE, convolutions, drawn


def test_errors_are_measured_from_a_bound_above_the_best():
    """Metrics 1, 2 and 3 deviate by 0.816 from their mean."""
    deviation = (2 / 3) ** 0.5
    assert errors(np.array([1.0, 3.0, 2.0])) == pytest.approx([1 + 2 / deviation, 1.0, 1 + 1 / deviation])
    assert errors(100 * np.array([1.0, 3.0, 2.0]) - 7) == pytest.approx(errors(np.array([1.0, 3.0, 2.0])))
    assert errors(np.array([2.0, 2.0])).tolist() == [1.0, 1.0]


def test_members_are_networks_of_ten_layers_side_by_side():
    ensemble, rows = Ensemble.drawn(4, seed=3), torch.from_numpy(stream(0, "rows").random((6, 4)).astype(np.float32))
    assert [tuple(weight.shape) for weight in ensemble.weights] == [(5, 4, 20), *[(5, 20, 20)] * 9, (5, 20, 1)]
    for member in range(5):
        hidden = rows
        for number, weight in enumerate(ensemble.weights):
            hidden = hidden @ weight[member] + ensemble.biases[number][member]
            hidden = hidden.clamp(min=0) if number < 10 else hidden
        assert torch.allclose(ensemble(rows)[member], hidden[:, 0], atol=1e-6)
    bound = (6 / 40) ** 0.5
    assert 0.99 * bound < ensemble.weights[3].abs().max() <= bound
    assert len(set(ensemble.weights[0][:, 0, 0].tolist())) == 5


def test_each_member_learns_as_if_alone():
    """One step of Adam for the second one, in torch's own modules."""
    rows, wanted = torch.eye(4), torch.tensor([1.0, 2.0, 3.0, 4.0])
    ensemble, alone = Ensemble.drawn(4, seed=3), Ensemble.drawn(4, seed=3)
    weights = [weight[1].detach().clone().requires_grad_() for weight in alone.weights]
    biases = [bias[1].detach().clone().requires_grad_() for bias in alone.biases]
    optimizer = torch.optim.Adam([*weights, *biases], lr=0.01, betas=(0.9, 0.99))
    hidden = rows
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        hidden = hidden @ weight + bias
        hidden = torch.relu(hidden) if number < 10 else hidden
    (hidden[:, 0] / wanted - 1).abs().mean().backward()
    optimizer.step()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(module, "_STEPS", 1)
        ensemble.learn(rows, wanted)
    assert all(torch.allclose(mine[1], one, atol=1e-6) for mine, one in zip(ensemble.weights, weights, strict=True))
    assert not torch.equal(ensemble.weights[-1][1], alone.weights[-1][1])


def test_ten_come_at_random():
    results = drawn(9)
    assert bananas(SPACE, results, stream(0, "test")) == SPACE.sample(stream(0, "test"))


def test_the_mutant_of_the_best_ten_with_the_best_draw_is_picked(monkeypatch):
    """Predictions of two members that are known beforehand."""

    class Known:
        def errors(self, encodings):
            values = encodings.codes.sum(axis=1) % 7
            return np.stack([values - 0.5, values + 0.5]).astype(float)

    monkeypatch.setattr(module, "_learned", lambda space, results: Known())
    results = drawn(30)
    best = sorted(results, key=lambda result: -result.metric)[:10]
    for number in range(5):
        rng = stream(1, "test", number)
        candidates = mutants(SPACE, [one.architecture for one in best], results, rng)
        middle = np.array([sum(one.code) % 7 for one in candidates])
        picked = candidates[int(np.argmin(rng.normal(middle, 0.5)))]
        assert bananas(SPACE, results, stream(1, "test", number)) == picked


def test_what_it_picks_is_better_than_the_mutants_it_picks_from():
    results = drawn(60)
    best = [one.architecture for one in sorted(results, key=lambda result: -result.metric)[:10]]
    everyone = mutants(SPACE, best, results, stream(0, "all"))
    asked = [bananas(SPACE, results, stream(0, "test", number)) for number in range(20)]
    assert np.mean([*map(convolutions, asked)]) > np.mean([*map(convolutions, everyone)]) + 0.05
    assert len(set(asked)) > 5
    assert not {SPACE.canonical(one) for one in asked} & {SPACE.canonical(each.architecture) for each in results}


def test_it_is_a_function_of_its_arguments_and_leaves_torch_as_it_was():
    results = drawn(12)
    before = torch.get_rng_state()
    first = bananas(SPACE, results, stream(0, "test"))
    assert torch.equal(torch.get_rng_state(), before)
    taught = module._learned(SPACE, tuple(results)).errors(Encodings(SPACE, [first]))
    module._learned.cache_clear()
    torch.manual_seed(5)
    assert bananas(SPACE, results, stream(0, "test")) == first
    assert (module._learned(SPACE, tuple(results)).errors(Encodings(SPACE, [first])) == taught).all()
    assert module._learned.cache_info().hits == 1


def test_where_every_mutant_is_tried_it_is_drawn_at_random():
    everyone = [Result(one, 0.5, 1) for one in SPACE.enumerate()]
    rng = stream(0, "test")
    drawn_now = bananas(SPACE, everyone, rng)
    assert SPACE.chosen(drawn_now) is not None
