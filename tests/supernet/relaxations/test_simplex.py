"""supernet/relaxations/simplex.py."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.alpha_optimisers import ExponentiatedGradient, Frozen
from supernet.mix import Moment
from supernet.relaxations import Simplex
from tests.supernet_cases import bare, tiny_search


def test_it_begins_in_the_middle_and_shares_out_what_is_allowed():
    search = tiny_search(bare(relaxation=Simplex(), alpha_optimiser=ExponentiatedGradient()))
    assert torch.allclose(search.mix("alphas").theta["normal"], torch.full((6, 5), 0.2))
    allowed = torch.tensor([[True, False, True], [False, False, False]])
    theta = Simplex().mean(torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), allowed, Moment())
    assert torch.allclose(theta, torch.tensor([[0.4, 0.0, 0.6], [0.0, 0.0, 0.0]]))


def test_optimisers_that_leave_the_simplex_are_refused():
    with pytest.raises(ConfigError, match="would leave the simplex"):
        tiny_search(bare(relaxation=Simplex()))
    tiny_search(bare(relaxation=Simplex(), alpha_optimiser=Frozen()))
