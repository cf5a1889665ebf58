"""supernet/methods/noisy_darts.py."""

import copy

import pytest
import torch

from supernet.methods import get_method
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_it_runs_and_differs_from_darts(case):
    recipe = {"lr": 0.05}
    losses = [
        tiny_search(get_method(name, epochs=1), case(), **recipe).run_epoch().weights_loss
        for name in ("darts", "noisy_darts")
    ]
    assert losses[0] != losses[1]


def test_without_noise_it_is_darts_with_its_recipe():
    plain = tiny_search(get_method("darts", epochs=1), lr=0.05)
    still = tiny_search(get_method("noisy_darts", epochs=1, ratio=0.0))
    assert plain.run_epoch().weights_loss == still.run_epoch().weights_loss


def test_published_numbers_and_variants():
    method = get_method("noisy_darts")
    assert (method.recipe.batch, method.recipe.lr, method.recipe.lr_last, method.parts[0].ratio) == (
        128,
        0.05,
        0.001,
        0.2,
    )
    (biased,) = get_method("noisy_darts", mean=0.5, decay=True).parts
    assert [biased.decay(t, 50) for t in (0, 25, 50)] == pytest.approx([1.0, 0.5, 0.0])
    variants = [
        {"form": "uniform"},
        {"mixture": "multiplied", "mean": 1.0},
        {"mean": 0.5, "decay": True},
    ]
    losses = {tiny_search(get_method("noisy_darts", epochs=1, **v)).run_epoch().weights_loss for v in variants}
    assert len(losses) == 3


def test_a_resumed_search_is_the_same_one():
    straight = tiny_search(get_method("noisy_darts", epochs=2))
    straight.run_epoch()
    resumed = tiny_search(get_method("noisy_darts", epochs=2))
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    straight.run_epoch(), resumed.run_epoch()
    assert all(torch.equal(a, b) for a, b in zip(straight.net.parameters(), resumed.net.parameters(), strict=True))
