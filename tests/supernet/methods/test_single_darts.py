"""supernet/methods/single_darts.py."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from tests.supernet_cases import tiny_search
from tests.supernet_checks import goes_on_exactly, runs_and_differs, state


@pytest.mark.parametrize("relaxation", ["softmax", "sigmoid"])
def test_it_runs_and_differs_from_darts(relaxation):
    method = get_method("single_darts", epochs=2, relaxation=relaxation)
    runs_and_differs(method, get_method("darts", epochs=2))
    goes_on_exactly(method)


def test_the_relaxations_lead_elsewhere():
    runs_and_differs(get_method("single_darts", epochs=2, relaxation="sigmoid"), get_method("single_darts", epochs=2))


def test_one_forward_pass_a_step_moves_both_and_the_alphas_half_is_not_asked_for():
    search = tiny_search(get_method("single_darts", epochs=1))
    asked, passes = [], []
    batches = search.data.batches
    search.data.batches = lambda part, **kwargs: asked.append(part) or batches(part, **kwargs)
    search.net.register_forward_hook(lambda *_: passes.append(1))
    before = state(search)
    report = search.run_epoch()
    assert set(asked) == {"all"}
    assert len(passes) == report.steps == 4
    assert not torch.equal(before[-1], search.alphas["normal"])
    assert not torch.equal(before[0], next(search.net.parameters()))


def test_other_relaxations_are_refused():
    with pytest.raises(ConfigError, match="not by 'dirichlet'"):
        get_method("single_darts", relaxation="dirichlet")
