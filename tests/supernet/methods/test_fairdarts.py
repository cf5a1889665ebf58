"""supernet/methods/fairdarts.py."""

from dataclasses import replace

import torch

from ranknosh.spaces.darts import Darts
from supernet.methods import get_method
from tests.supernet_cases import tiny_darts, tiny_search
from tests.supernet_checks import goes_on_exactly, run, runs_and_differs, same


def test_it_runs_and_differs_from_darts_and_without_the_zero_one_loss():
    method = get_method("fairdarts", epochs=2)
    runs_and_differs(method, get_method("darts", epochs=2))
    runs_and_differs(method, replace(method, penalties=()))
    runs_and_differs(method, get_method("fairdarts", epochs=2, single_level=True))


def test_a_weight_of_zero_is_no_penalty():
    method = get_method("fairdarts", epochs=2, weight=0.0)
    assert same(run(method), run(replace(method, penalties=())))


def test_published_numbers():
    method = get_method("fairdarts")
    adam, recipe = method.alpha_optimiser, method.recipe
    assert (method.epochs, recipe.batch, recipe.lr, recipe.lr_last) == (50, 128, 0.005, 0.001)
    assert (adam.lr, adam.betas, adam.weight_decay, method.selection.least) == (3e-3, (0.9, 0.999), 1e-3, 0.85)


def test_seven_operations_and_nodes_of_few_edges():
    space = tiny_darts(Darts.operations)
    search = tiny_search(get_method("fairdarts", epochs=1), space)
    report = search.run_epoch()
    kept = [places[i : i + n] for places in search.result().values() for i, n in ((0, 2), (2, 3))]
    assert all(sum(place is not None for place in node) == 1 for node in kept)
    assert report.text == search.space.write(search.result())
    for alphas in search.alphas.values():
        alphas.data = torch.full_like(alphas, 3.0)
    kept = [places[i : i + n] for places in search.result().values() for i, n in ((0, 2), (2, 3))]
    assert all(sum(place is not None for place in node) == 2 for node in kept)


def test_it_goes_on_exactly():
    goes_on_exactly(get_method("fairdarts", epochs=2))
