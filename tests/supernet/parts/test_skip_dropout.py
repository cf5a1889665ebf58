"""supernet/parts/skip_dropout.py."""

import math

import pytest
import torch

from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.parts import SkipDropout, SkipDropoutRate
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_darts, tiny_search


def test_numbers_are_dropped_one_by_one_and_the_mean_stays():
    x = torch.ones(4, 8, 30, 30)
    out = SkipDropout(Constant(0.4)).changed(x, Mix({}, {}, Moment()))
    kept = out != 0
    torch.testing.assert_close(out[kept], torch.full_like(out[kept], 1 / 0.6))
    assert float(kept.float().mean()) == pytest.approx(0.6, abs=0.01)
    assert float(kept.float().mean((2, 3)).std()) < 0.05


def test_the_published_rate():
    rate = SkipDropoutRate(0.4)
    found = [rate(epoch, 25) for epoch in (0, 9, 10, 24)]
    assert found == pytest.approx([0.4 * 24 / 25, 0.4 * 15 / 25, 0.4, 0.4 * math.exp(-2.8)])
    assert all(rate(e + 1, 25) < rate(e, 25) for e in range(24) if e != 9)


def test_the_rate_follows_the_stage():
    part = SkipDropout(lambda epoch, epochs: epoch / epochs)
    x = torch.ones(1000)
    share = float((part.changed(x, Mix({}, {}, Moment(7, 20, 3, 10))) == 0).float().mean())
    assert share == pytest.approx(0.3, abs=0.05)


def test_only_identities_are_changed():
    space = tiny_darts()
    net = Supernet(space, parts=(SkipDropout(Constant(0.5)),))
    strided = 2 * 4
    assert sum(type(module).__name__ == "ChangedSkip" for module in net.modules()) == 3 * 5 - strided


def test_it_changes_a_search_but_not_its_evaluation_nor_at_zero():
    parts = ((), (SkipDropout(Constant(0.5)),), (SkipDropout(Constant(0.0)),))
    plain, dropped, zero = (tiny_search(bare(1, parts=each)) for each in parts)
    images = torch.randn(4, 3, 8, 8)
    assert torch.equal(*(s.net.eval()(images, s.mix("evaluation")) for s in (plain, dropped)))
    losses = [search.run_epoch().weights_loss for search in (plain, dropped, zero)]
    assert losses[0] == losses[2] != losses[1]
