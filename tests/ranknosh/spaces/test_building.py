"""Running code of the user's own: ranknosh/spaces/building.py"""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ranknosh.errors import SpaceError
from ranknosh.spaces.building import check_shape, guarded, initialise, on_meta, outputs_of, trial_batch
from ranknosh.spaces.signature import Signature


def test_a_trial_batch_is_spread_evenly_and_fixed():
    batch = trial_batch(Signature((3, 16, 16), (2,)), nn.Identity())
    assert batch.shape == (2, 3, 16, 16)
    assert batch.dtype == torch.float32
    assert abs(float(batch.mean())) < 0.01
    assert abs(float(batch.std()) - 1) < 0.01
    assert len(batch.unique()) == batch.numel()
    assert torch.equal(batch, trial_batch(Signature((3, 16, 16), (9,)), nn.Linear(2, 2)))


def test_a_trial_batch_lies_where_the_network_does():
    assert trial_batch(Signature((3,), (2,)), nn.Linear(2, 2, device="meta")).is_meta


def test_a_trial_batch_of_tokens_has_every_token():
    batch = trial_batch(Signature((5,), (2,), "int64", 4), nn.Identity())
    assert batch.dtype == torch.int64
    assert batch.tolist() == [[0, 1, 2, 3, 0], [1, 2, 3, 0, 1]]


@pytest.mark.parametrize("training", [False, True])
def test_a_trial_run_leaves_the_network_as_it_was(training):
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    inputs = torch.rand(2, 4)
    random = torch.get_rng_state()
    outputs = outputs_of(network, inputs, "running", training)
    assert torch.equal(torch.get_rng_state(), random)
    assert not outputs.requires_grad
    assert network.training
    assert not network[1].training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_the_mode_of_a_trial_run_is_the_one_asked_for():
    network = nn.Dropout(0.5).eval()
    ones = torch.ones(2, 1000)
    assert torch.equal(outputs_of(network, ones, "running"), ones)
    assert (outputs_of(network, ones, "running", training=True) == 0).float().mean() == pytest.approx(0.5, abs=0.1)


def test_the_shape_that_is_wanted_passes():
    check_shape(nn.Linear(4, 3), Signature((4,), (3,)), "it")
    with pytest.raises(SpaceError, match=r"it makes \(2, 3\) .* \(4,\).* asks for \(2, 5\)"):
        check_shape(nn.Linear(4, 3), Signature((4,), (5,)), "it")


def test_errors_name_the_last_line_of_the_users_own_code():
    def inner():
        return np.zeros(3).reshape(2, 2)  # raised inside numpy

    with pytest.raises(SpaceError, match=r"doing it failed at .*test_building\.py:\d+: ValueError: cannot reshape"):
        guarded("doing it", inner)


class Own:
    def __init__(self, size):
        self.size = size


def test_errors_of_a_call_itself_name_the_source_of_what_was_called():
    with pytest.raises(SpaceError, match=r"making it failed at .*test_building\.py:\d+: TypeError: .*'size'"):
        guarded("making it", partial(Own), Own)
    with pytest.raises(SpaceError, match=r"making it failed: TypeError: .*out_features"):
        guarded("making it", partial(nn.Linear, 3), nn.Linear)


def test_keyboard_interrupts_pass():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded("doing it", stop)


def test_modules_are_built_without_memory_where_that_is_possible():
    assert on_meta(lambda: nn.Linear(3, 3)).weight.is_meta

    def reads():
        return guarded("building", lambda: nn.Dropout(torch.tensor(0.5).item()))

    assert on_meta(reads).p == 0.5


def test_lazy_layers_are_given_weights_of_the_current_generator():
    def made(seed):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.LazyLinear(3), nn.Dropout(0.5))
        initialise(network, lambda: torch.zeros(2, 4, device=network[0].weight.device), "running it")
        return network

    assert made(0)[0].weight.shape == (3, 4)
    assert torch.equal(made(0)[0].weight, made(0)[0].weight)
    assert not torch.equal(made(0)[0].weight, made(1)[0].weight)
    assert made(0).training
    with torch.device("meta"):
        assert is_lazy(made(0)[0].weight)


def test_networks_without_lazy_layers_are_not_run():
    initialise(nn.Linear(9, 9), lambda: torch.zeros(2, 4), "running it")  # would fail
    with pytest.raises(SpaceError, match="running it failed"):
        initialise(nn.Sequential(nn.Linear(9, 9), nn.LazyLinear(2)), lambda: torch.zeros(2, 4), "running it")


def test_a_module_that_ends_the_program_is_one_message():
    with pytest.raises(SpaceError, match=r"building it failed at .*test_building\.py:\d+: SystemExit: 3$"):
        guarded("building it", lambda: raise_(SystemExit(3)))


def raise_(error):
    raise error
