"""supernet/methods/beta_darts.py."""

import torch

from supernet.methods import get_method
from tests.supernet_checks import goes_on_exactly, run, runs_and_differs, same


def test_it_runs_and_differs_from_darts():
    runs_and_differs(get_method("beta_darts", epochs=2), get_method("darts", epochs=2))


def test_a_weight_of_zero_is_darts():
    assert same(run(get_method("beta_darts", epochs=2, weight=0.0)), run(get_method("darts", epochs=2)))


def test_alphas_stay_closer_together_than_those_of_darts():
    spread = {}
    for name in ("darts", "beta_darts"):
        search = run(get_method(name, epochs=8), images=16)
        spread[name] = float(torch.softmax(search.alphas["normal"].detach(), 1).std(dim=1).mean())
    assert spread["beta_darts"] < spread["darts"]


def test_it_goes_on_exactly():
    goes_on_exactly(get_method("beta_darts", epochs=2))
