"""supernet/states.py: mixed, fixed and pruned edges."""

import pytest
import torch

from supernet.states import EdgeStates
from tests.supernet_cases import tiny_nasbench201


def test_fixed_rows_are_one_hot_pruned_rows_zero_and_neither_learns():
    states = EdgeStates(tiny_nasbench201())
    states.fix("normal", 1, 3)
    states.prune("normal", 4)
    alphas = torch.randn(6, 5, requires_grad=True)
    theta = states.decided_weights("normal", torch.softmax(alphas, 1))
    assert theta[1].tolist() == [0, 0, 0, 1, 0]
    assert theta[4].tolist() == [0] * 5
    (theta * torch.randn(6, 5)).sum().backward()
    assert (alphas.grad[[1, 4]] == 0).all()
    assert (alphas.grad[[0, 2, 3, 5]] != 0).all()
    assert states.undecided("normal") == [0, 2, 3, 5]
    assert states.places("normal")[1] == (3,)
    assert states.places("normal")[4] == ()
    assert states.cells()["normal"] == (None, 3, None, None, None, None)
    assert [states.kind_of("normal", edge) for edge in (0, 1, 4)] == ["mixed", "fixed", "pruned"]


def test_the_last_operation_cannot_be_forbidden():
    states = EdgeStates(tiny_nasbench201())
    for place in range(4):
        states.forbid("normal", 0, place)
    with pytest.raises(ValueError, match="no operation left"):
        states.forbid("normal", 0, 4)
    assert states.places("normal")[0] == (4,)


def test_saved_and_loaded():
    states, other = EdgeStates(tiny_nasbench201()), EdgeStates(tiny_nasbench201())
    states.fix("normal", 2, 1)
    states.forbid("normal", 0, 0)
    other.load_state_dict(states.state_dict())
    assert other.places("normal") == states.places("normal")
    assert other.decided == states.decided
