"""supernet/monitors/eigenvalue_rise.py and curvature.py, on scripted eigenvalues and on a search."""

from dataclasses import dataclass

import pytest

from ranknosh.errors import ConfigError
from supernet.diagnostics.hessian import hessian_eigenvalue
from supernet.monitors import Curvature, EigenvalueRise, Rise
from supernet.part import Part
from tests.supernet_cases import bare, tiny_search


@dataclass(frozen=True)
class Scripted(Curvature):
    """Eigenvalues as given, epoch by epoch."""

    values: tuple[float, ...] = ()

    def after_epoch(self, search, report):
        report.measured["hessian_eigenvalue"] = self.values[report.epoch]


def first_firing(values, rule):
    for seen in range(1, len(values) + 1):
        before = rule.found(values[:seen])
        if before is not None:
            return seen - 1, before
    return None


def test_a_jump_is_seen_and_the_epoch_before_it_named():
    # Means about epochs 14 and 10 are 1.4 and 1, seen in epoch 16.
    assert first_firing([1.0] * 15 + [2.0] * 8, Rise()) == (16, 10)


def test_constant_and_falling_eigenvalues_never_fire():
    assert first_firing([1.0] * 50, Rise()) is None
    assert first_firing([50.0 - t for t in range(50)], Rise()) is None


def test_no_epoch_before_the_start_is_returned():
    growing = [1.2**t for t in range(30)]
    assert first_firing(growing, Rise()) == (16, 10)
    assert first_firing(growing, Rise(start=14)) == (20, 14)
    assert Rise().found(growing[:17], start=11) is None


def test_the_ratio_is_of_centred_means():
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0]
    # (1 + 1 + 1 + 3 + 3) / 5 = 1.8 about epoch 6, and 1 about epoch 2.
    assert Rise(start=0, ratio=1.79, decay=0.0).found(values) == 2
    assert Rise(start=0, ratio=1.81, decay=0.0).found(values) is None


def test_the_alphas_decay_keeps_nothing_from_looking_like_a_rise():
    values = [1e-9] * 15 + [1e-6] * 8
    assert first_firing(values, Rise()) is None
    assert first_firing(values, Rise(decay=0.0)) == (16, 10)


def test_what_is_not_above_nothing_has_no_ratio():
    assert first_firing([-1.0] * 30, Rise(decay=0.0)) is None


def search_of(values, epochs):
    monitors = (Scripted(values=tuple(values)), EigenvalueRise())
    return tiny_search(bare(epochs, monitors=monitors), images=16)


def test_a_search_stops_and_returns_the_cells_of_that_epoch():
    search = search_of([1.0] * 15 + [2.0] * 8, 23)
    texts = []
    while not search.ended:
        texts.append(search.run_epoch().text)
    assert search.epoch == 17
    assert search.stopped.epoch == 10
    assert "epoch 10" in search.stopped.reason
    assert search.space.write(search.result()) == texts[10]


def test_the_rule_needs_eigenvalues_of_every_epoch():
    for monitors in ((EigenvalueRise(),), (EigenvalueRise(), Curvature()), (Curvature(2), EigenvalueRise())):
        with pytest.raises(ConfigError, match="Curvature"):
            tiny_search(bare(monitors=monitors))
    tiny_search(bare(monitors=(Curvature(), EigenvalueRise())))


def test_curvature_is_measured_every_few_epochs():
    search = tiny_search(bare(3, monitors=(Curvature(2, 1),)), images=16)
    reports = [search.run_epoch() for _ in range(3)]
    assert ["hessian_eigenvalue" in report.measured for report in reports] == [True, False, True]
    assert reports[2].measured["hessian_eigenvalue"] == hessian_eigenvalue(search, 1)


def test_measuring_changes_nothing():
    watched, plain = (tiny_search(bare(2, monitors=m), images=16) for m in ((Curvature(1, 1),), ()))
    assert isinstance(Curvature(), Part)
    for _ in range(2):
        first, second = watched.run_epoch(), plain.run_epoch()
        assert first.theta == second.theta
        assert first.weights_loss == second.weights_loss
