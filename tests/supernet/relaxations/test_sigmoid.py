"""supernet/relaxations/sigmoid.py: gates for themselves."""

import torch

from supernet.mix import Moment
from supernet.relaxations import Sigmoid
from tests.supernet_cases import bare, tiny_search

EVERYTHING = torch.ones(1, 3, dtype=torch.bool)


def test_gates_begin_at_one_half_and_do_not_sum_to_one():
    search = tiny_search(bare(relaxation=Sigmoid()))
    assert torch.equal(search.mix("weights").theta["normal"], torch.full((6, 5), 0.5))


def test_no_gate_depends_on_another_operation():
    alphas = torch.tensor([[0.3, -1.0, 2.0]])
    jacobian = torch.autograd.functional.jacobian(lambda a: Sigmoid().mean(a, EVERYTHING, Moment())[0], alphas)[:, 0]
    gates = 1 / (1 + torch.exp(-alphas[0]))
    assert torch.allclose(jacobian, torch.diag(gates * (1 - gates)))


def test_what_is_not_allowed_is_zero():
    allowed = torch.tensor([[True, False, True]])
    assert Sigmoid().mean(torch.zeros(1, 3), allowed, Moment()).tolist() == [[0.5, 0.0, 0.5]]
