"""supernet/methods/drnas.py."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from supernet.updates import architecture_gradients
from tests.supernet_cases import tiny_darts, tiny_search
from tests.supernet_checks import goes_on_exactly, runs_and_differs


def test_it_runs_and_differs_from_darts():
    runs_and_differs(get_method("drnas", epochs=2), get_method("darts", epochs=2))


def test_every_alpha_gets_a_gradient_and_no_two_passes_are_alike():
    search = tiny_search(get_method("drnas", epochs=2), tiny_darts())
    _, found = architecture_gradients(search, next(search.batches("alphas")))
    assert all((gradient != 0).all() for gradient in found.values())
    assert not torch.equal(search.mix("weights").theta["normal"], search.mix("weights").theta["normal"])
    assert torch.equal(search.mix("evaluation").theta["normal"], search.mix("evaluation").theta["normal"])


def test_it_goes_on_exactly():
    goes_on_exactly(get_method("drnas", epochs=2))


def test_the_divergence_takes_the_place_of_the_decay():
    method = get_method("drnas", epochs=2, distance="kl")
    runs_and_differs(method, get_method("drnas", epochs=2))
    assert method.alpha_optimiser.weight_decay == 0.0
    with pytest.raises(ConfigError, match="not 'l1'"):
        get_method("drnas", distance="l1")
