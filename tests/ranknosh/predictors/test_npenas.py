"""NPENAS: whose mutants its network chooses among, and what the network learns."""

import numpy as np
import pytest
import torch

from ranknosh.errors import ConfigError
from ranknosh.predictors import npenas as module
from ranknosh.predictors.base import Encodings
from ranknosh.predictors.gin import tensors
from ranknosh.predictors.npenas import npenas
from ranknosh.predictors.own_proposer import Result, checked_function
from ranknosh.predictors.rivals import mutants
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice
from ranknosh.streams import stream
from tests.ranknosh.predictors.landscapes import SPACE, convolutions, drawn


def test_ten_come_at_random():
    assert npenas(SPACE, drawn(9), stream(0, "test")) == SPACE.sample(stream(0, "test"))


def test_the_mutant_of_winners_that_is_predicted_best_is_picked(monkeypatch):
    """A network that is known beforehand: it counts the nodes of one kind."""

    def known(adjacency, labels, mask):
        return (labels == labels.max() - 2).sum(dim=1) + torch.linspace(0, 0.5, len(labels))

    monkeypatch.setattr(module, "_learned", lambda space, results: known)
    results = drawn(30)
    for number in range(5):
        rng = stream(1, "test", number)
        parents = []
        for _ in range(10):
            one, other = rng.choice(30, size=2, replace=False)
            parents.append(results[one] if results[one].metric >= results[other].metric else results[other])
        candidates = mutants(SPACE, [parent.architecture for parent in parents], results, rng)
        graphs = Encodings(SPACE, candidates).graphs
        counts = (graphs.labels == graphs.labels.max() - 2).sum(axis=1) + np.linspace(0, 0.5, len(candidates))
        assert npenas(SPACE, results, stream(1, "test", number)) == candidates[int(counts.argmax())]


def test_its_network_learns_the_metrics_of_what_is_known():
    results = drawn(20)
    metrics = np.array([result.metric for result in results])
    network = module._learned(SPACE, tuple(results))
    with torch.no_grad():
        found = network(*tensors(Encodings(SPACE, [result.architecture for result in results]).graphs)).numpy()
    assert found == pytest.approx((metrics - metrics.mean()) / metrics.std(), abs=0.3)


def test_what_it_picks_is_better_than_mutants_are():
    results = drawn(60)
    everyone = mutants(SPACE, [result.architecture for result in results], results, stream(0, "all"))
    asked = [npenas(SPACE, results, stream(0, "test", number)) for number in range(20)]
    assert np.mean([*map(convolutions, asked)]) > np.mean([*map(convolutions, everyone)]) + 0.15
    assert not {SPACE.canonical(one) for one in asked} & {SPACE.canonical(each.architecture) for each in results}


def test_it_is_a_function_of_its_arguments_and_leaves_torch_as_it_was(monkeypatch):
    monkeypatch.setattr(module, "_STEPS", 30)
    module._learned.cache_clear()
    results = drawn(12)
    before = torch.get_rng_state()
    first = npenas(SPACE, results, stream(0, "test"))
    assert torch.equal(torch.get_rng_state(), before)
    taught = module._learned(SPACE, tuple(results)).state_dict()
    module._learned.cache_clear()
    torch.manual_seed(5)
    assert npenas(SPACE, results, stream(0, "test")) == first
    again = module._learned(SPACE, tuple(results)).state_dict()
    assert all(torch.equal(again[name], value) for name, value in taught.items())
    assert module._learned.cache_info().hits == 1
    module._learned.cache_clear()


def test_where_every_mutant_is_tried_it_is_drawn_at_random():
    everyone = [Result(one, 0.5, 1) for one in SPACE.enumerate()]
    assert SPACE.chosen(npenas(SPACE, everyone, stream(0, "test"))) is not None


def test_a_space_without_graphs_is_refused_before_a_run():
    space = FlatSpace({"a": choice([0, 1, 2])})
    with pytest.raises(ConfigError, match=r"^npenas learns graphs, and architectures of .* are none; take bananas"):
        checked_function(npenas, "npenas", space)
