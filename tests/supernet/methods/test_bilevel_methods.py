"""Methods that differ from DARTS in how the alphas' gradient is made, or in when the search ends."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ranknosh.errors import ConfigError
from supernet.methods import METHODS, get_method
from supernet.monitors import Adaptive, Curvature, EigenvalueRise, RankingStable, SkipLimit
from supernet.updates import Amended, FirstOrder, MixedLevel, Neumann, SecondOrder
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search

UPDATES = {
    "darts_second": SecondOrder(),
    "milenas": MixedLevel(1.0),
    "idarts": Neumann(2, 4),
    "amended_darts": Amended(0.1),
    "darts_es": SecondOrder(),
    "darts_ada": SecondOrder(),
    "darts_plus": FirstOrder(),
    "rf_darts": FirstOrder(),
    "rf_pc_darts": FirstOrder(),
}


@pytest.mark.parametrize("name", UPDATES)
def test_the_composition_is_the_published_one(name):
    method = METHODS[name]()
    assert method.update == UPDATES[name]
    assert method.epochs == 50
    assert method.update.describe() in str(method)


@pytest.mark.parametrize("name", ["darts_second", "milenas", "amended_darts"])
def test_the_update_changes_the_search(name):
    base, changed = tiny_search(get_method("darts", epochs=1)), tiny_search(get_method(name, epochs=1))
    assert base.run_epoch().theta != changed.run_epoch().theta


def test_idarts_steps_its_alphas_after_four_steps_of_the_weights():
    search = tiny_search(get_method("idarts", epochs=2))
    assert search.run_epoch().alphas_loss is None
    assert search.run_epoch().alphas_loss is not None


def test_amended_darts_can_warm_up():
    method = get_method("amended_darts", epochs=3, warm_up=1)
    search = tiny_search(method)
    assert [search.run_epoch().alphas_loss is None for _ in range(2)] == [True, False]


@pytest.mark.parametrize("name", ["darts_plus", "rf_darts"])
def test_resumed_it_goes_on_bit_for_bit(name):
    straight, first, second = (tiny_search(get_method(name, epochs=2), images=16) for _ in range(3))
    straight.run_epoch()
    expected = straight.run_epoch()
    first.run_epoch()
    second.load_state_dict(first.state_dict())
    found = second.run_epoch()
    assert (found.theta, found.weights_loss, found.measured) == (
        expected.theta,
        expected.weights_loss,
        expected.measured,
    )
    values = second.net.state_dict()
    assert all(torch.equal(values[key], value) for key, value in straight.net.state_dict().items())


def test_stopping_by_curvature():
    assert get_method("darts_es").monitors == (Curvature(1, 4), EigenvalueRise())
    assert get_method("darts_ada").monitors == (Curvature(1, 4), Adaptive())
    assert get_method("darts_es", second_order=False).update == FirstOrder()
    search = tiny_search(get_method("darts_es", epochs=1, second_order=False, batches=1))
    assert search.run_epoch().measured["hessian_eigenvalue"] > 0


def test_stopping_by_the_cell():
    assert get_method("darts_plus").monitors == (SkipLimit(2),)
    assert get_method("darts_plus", rule="ranking").monitors == (RankingStable(10),)


@pytest.mark.parametrize(
    ("name", "case"), [("rf_darts", tiny_nasbench201), ("rf_darts", tiny_darts), ("rf_pc_darts", tiny_darts)]
)
def test_random_features_keep_their_convolutions(name, case):
    search = tiny_search(get_method(name, epochs=1), case())
    layers = dict(search.net.named_modules())
    before = {key: p.detach().clone() for key, p in search.net.named_parameters()}
    search.run_epoch()
    kinds = {nn.Conv2d: 0, nn.BatchNorm2d: 0, nn.Linear: 0}
    for key, parameter in search.net.named_parameters():
        layer = layers[key.rpartition(".")[0]]
        kinds[next(kind for kind in kinds if isinstance(layer, kind))] += 1
        if isinstance(layer, nn.Conv2d):
            assert torch.equal(parameter, before[key])
        elif isinstance(layer, nn.Linear):
            assert not torch.equal(parameter, before[key])
    moved = [key for key, p in search.net.named_parameters() if "operations" in key and not torch.equal(p, before[key])]
    assert moved
    assert all(isinstance(layers[key.rpartition(".")[0]], nn.BatchNorm2d) for key in moved)
    assert all(kinds.values())


@pytest.mark.parametrize("name", ["rf_darts", "rf_pc_darts"])
def test_random_features_need_scale_and_shift(name):
    with pytest.raises(ConfigError, match="affine=True"):
        tiny_search(replace(get_method(name, epochs=1), affine=False))
