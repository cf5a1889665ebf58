"""supernet/monitors/adaptive.py on scripted eigenvalues."""

from dataclasses import dataclass

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.monitors import Adaptive, Curvature, Gap, Rise
from tests.supernet_cases import bare, tiny_search

RULE = Rise(window=3, delta=2, start=1, ratio=1.5)
"""Fires in epoch t about epochs t - 1 and t - 3."""
DECAY = 3e-4


@dataclass(frozen=True)
class ByDecay(Curvature):
    """An eigenvalue that doubles after epoch 3, unless the weight decay is above ``enough``."""

    enough: float = 1e-3

    def after_epoch(self, search, report):
        decay = search.optimiser.param_groups[0]["weight_decay"]
        rises = report.epoch > 3 and decay < self.enough
        report.measured["hessian_eigenvalue"] = 2.0 if rises else 1.0


def search_of(enough=1e-3, epochs=8, **rule):
    monitors = (ByDecay(enough=enough), Adaptive(rule=RULE, **rule))
    return tiny_search(bare(epochs, monitors=monitors), images=16, weight_decay=DECAY)


def run(search, epochs=None):
    reports = []
    while not search.ended and (epochs is None or len(reports) < epochs):
        reports.append(search.run_epoch())
    return reports


def test_goes_back_with_more_decay_until_there_is_no_rise():
    search = search_of()
    reports = run(search)
    # Means about epochs 4 and 2 in epoch 5: (1 + 2 + 2) / 3 against 1; then with 9e-4, and again with 27e-4, which is enough.
    assert [r.epoch for r in reports] == [0, 1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5, 6, 7]
    assert [round(r.measured["weight_decay"] / DECAY) for r in reports] == [1] * 6 + [3] * 3 + [9] * 5
    assert [r.epoch for r in search.history] == list(range(8))
    assert [round(r.measured["weight_decay"] / DECAY) for r in search.history] == [1, 1, 1, 9, 9, 9, 9, 9]
    assert search.stopped is None


def test_the_way_back_is_to_the_bits_of_that_epoch():
    search, straight = search_of(), search_of()
    run(straight, 3)
    run(search, 6)
    assert search.epoch == straight.epoch == 3
    assert torch.equal(search.alphas["normal"], straight.alphas["normal"])
    values = search.net.state_dict()
    assert all(torch.equal(values[name], value) for name, value in straight.net.state_dict().items())
    for group in straight.optimiser.param_groups:
        group["weight_decay"] = 3 * DECAY
    assert search.run_epoch().weights_loss == straight.run_epoch().weights_loss


def test_the_cap_ends_going_back():
    search = search_of(enough=1.0, cap=9e-4)
    reports = run(search)
    assert [r.epoch for r in reports] == [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7]
    assert search.stopped is None
    # The published numbers: 3e-4 times 3 four times is the cap, whatever the rounding.
    published = search_of(enough=1.0)
    run(published)
    assert max(r.measured["weight_decay"] for r in published.history) == pytest.approx(243e-4)


def test_does_not_go_back_beyond_where_it_went():
    search = search_of()
    run(search, 6)
    adaptive = search.method.monitors[1]
    assert list(adaptive._kept) == [2]
    run(search, 1)
    assert set(adaptive._kept) == {2, 3}


@dataclass(frozen=True)
class Sooner(Curvature):
    """The eigenvalue rises after epoch 4, and with more weight decay even sooner."""

    def after_epoch(self, search, report):
        first = search.optimiser.param_groups[0]["weight_decay"] == DECAY
        report.measured["hessian_eigenvalue"] = 10.0 if report.epoch > (4 if first else 2) else 1.0


def test_a_rise_measured_against_epochs_before_the_way_back_does_not_count():
    monitors = (Sooner(), Adaptive(rule=RULE, cap=9 * DECAY))
    search = tiny_search(bare(7, monitors=monitors), images=16, weight_decay=DECAY)
    # The first pass goes back to epoch 2. In the second one the mean about epoch 3 is above that about epoch 1, which does not
    # count, and the one about epoch 4 above that about epoch 2, which does.
    assert [r.epoch for r in run(search)] == [0, 1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5, 6]


def test_without_a_rise_it_changes_nothing():
    search = search_of(enough=0.0)
    plain = tiny_search(bare(8), images=16, weight_decay=DECAY)
    assert [r.weights_loss for r in run(search)] == [r.weights_loss for r in run(plain)]


def test_copies_do_not_hold_copies():
    search = search_of(enough=0.0)
    run(search, 7)
    adaptive = search.method.monitors[1]
    assert set(adaptive._kept) == {4, 5, 6}
    for kept in adaptive._kept.values():
        assert kept["parts"][-1]["kept"] == {}


@pytest.mark.parametrize("cut", [2, 5, 6, 8])
def test_resumed_it_goes_the_same_way(cut):
    straight, first, second = search_of(), search_of(), search_of()
    expected = run(straight)
    run(first, cut)
    second.load_state_dict(first.state_dict())
    found = run(second)
    assert [(r.epoch, r.weights_loss) for r in found] == [(r.epoch, r.weights_loss) for r in expected[cut:]]
    assert torch.equal(second.alphas["normal"], straight.alphas["normal"])


def test_refuses_what_it_cannot_watch():
    with pytest.raises(ConfigError, match="last monitor"):
        tiny_search(bare(monitors=(Curvature(), Adaptive(), Gap())))
    with pytest.raises(ConfigError, match="Curvature"):
        tiny_search(bare(monitors=(Adaptive(),)))
