"""supernet/penalties/beta_decay.py: value and gradient by hand."""

import pytest
import torch

from supernet.penalties import BetaDecay
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_darts, tiny_search


def test_the_gradient_is_the_softmax_over_the_number_of_edges():
    search = tiny_search(bare(), tiny_darts())
    BetaDecay(Constant(3.0)).loss(search).backward()
    for alphas in search.alphas.values():
        assert torch.allclose(alphas.grad, 3.0 * torch.softmax(alphas, 1) / 10, atol=1e-7)


def test_a_shift_raises_the_loss_by_its_weight():
    search, penalty = tiny_search(bare()), BetaDecay(Constant(3.0))
    before = float(penalty.loss(search).detach())
    search.alphas["normal"].data += 0.5
    assert float(penalty.loss(search).detach()) == pytest.approx(before + 1.5)


def test_it_rises_from_zero():
    search = tiny_search(bare(4))
    assert float(BetaDecay().loss(search).detach()) == 0.0
    search.epoch = 2
    smooth = float(torch.logsumexp(search.alphas["normal"].detach(), 1).mean())
    assert float(BetaDecay().loss(search).detach()) == pytest.approx(25 * smooth)


def test_only_what_still_mixes_counts():
    search, penalty = tiny_search(bare()), BetaDecay(Constant(1.0))
    search.states.fix("normal", 0, 3)
    search.states.forbid("normal", 1, 2)
    alphas = search.alphas["normal"].detach()
    by_hand = [torch.logsumexp(alphas[1, [0, 1, 3, 4]], 0), *torch.logsumexp(alphas[2:], 1)]
    assert float(penalty.loss(search).detach()) == pytest.approx(float(sum(by_hand)) / 5)
    for edge in range(1, 6):
        search.states.fix("normal", edge, 1)
    assert float(penalty.loss(search)) == 0.0
