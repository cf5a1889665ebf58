"""supernet/methods/pt.py: projection on the supernets of several methods."""

import pytest
import torch

from supernet.decisions import with_projection
from supernet.methods import get_method
from supernet.methods.darts import darts
from supernet.methods.gdas import gdas
from supernet.methods.pc_darts import pc_darts
from supernet.methods.pt import darts_pt, fixed_alpha_pt, sdarts_pt
from supernet.methods.sdarts import sdarts_rs
from tests.supernet_cases import tiny_darts, tiny_search

SHORT = {"epochs": 1, "tuning_epochs": 1, "validation_batches": 1}


def run(search):
    while not search.ended:
        search.run_epoch()
    return search


@pytest.mark.parametrize("name", ["darts_pt", "sdarts_pt", "fixed_alpha_pt"])
def test_they_run_on_both_spaces(name):
    for space in (None, tiny_darts()):
        search = run(tiny_search(get_method(name, **SHORT), space, images=16))
        assert search.epoch == 2
        assert all(search.states.undecided(kind) == [] for kind in search.space.kinds)
        assert search.result() == search.states.cells()


def test_the_search_is_that_of_the_base_until_the_projection():
    for method, base in ((darts_pt(2, tuning_epochs=1), darts(2)), (sdarts_pt(2, tuning_epochs=1), sdarts_rs(3))):
        projected, plain = tiny_search(method, images=16), tiny_search(base, images=16)
        for _ in range(2):
            first, second = projected.run_epoch(), plain.run_epoch()
            assert first.weights_loss == pytest.approx(second.weights_loss, rel=0.05)
        assert torch.allclose(projected.alphas["normal"], plain.alphas["normal"], atol=1e-3)
        assert projected.states.undecided("normal") == list(range(6))


def test_alphas_are_fixed_and_so_is_their_choice():
    search = tiny_search(fixed_alpha_pt(1, tuning_epochs=1), images=16)
    before = search.alphas["normal"].detach().clone()
    report = run(search).history[0]
    assert torch.equal(search.alphas["normal"], before)
    assert report.alphas_loss is None
    assert report.steps == 1  # half of the images


def test_tuning_goes_on_with_perturbed_mixtures():
    def tuned(method):
        search = tiny_search(method, images=16)
        search.run_epoch()
        return search.method.perturbation, search.run_epoch().weights_loss

    perturbation, loss = tuned(sdarts_pt(1, tuning_epochs=1))
    nothing, plain = tuned(darts_pt(1, tuning_epochs=1))
    assert nothing is None
    assert perturbation is not None
    assert loss != plain


@pytest.mark.parametrize("base", [pc_darts, gdas])
def test_on_supernets_with_parts_of_their_own(base):
    method = with_projection(base(1), tuning_epochs=1, validation_batches=1)
    assert method.name.endswith("-PT")
    assert "projection" in method.composition()
    search = run(tiny_search(method, images=16))
    assert search.states.undecided("normal") == []


def test_short_intervals_scale_the_tuning():
    assert tiny_search(darts_pt(1)).method.epochs == 26
    assert tiny_search(darts_pt(1, interval=2)).method.epochs == 11
    assert tiny_search(darts_pt(1, interval=1), tiny_darts()).method.epochs == 1 + 7
