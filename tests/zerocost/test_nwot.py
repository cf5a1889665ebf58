"""nwot: by hand, against numpy, its invariants, and which activations count."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zerocost

# Codes 1011, 0011, 1101.
THREE = torch.tensor([[1.0, -1.0, 2.0, 3.0], [-1.0, 0.0, 1.0, 1.0], [0.5, 1.0, -2.0, 4.0]])


def nwot(module: nn.Module, inputs: torch.Tensor) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies=("nwot",))["nwot"]


def value(module: nn.Module, inputs: torch.Tensor) -> float:
    score = nwot(module, inputs)
    assert score.value is not None, score.reason
    return score.value


def network(inplace: bool = False, norm: bool = True) -> nn.Sequential:
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6) if norm else nn.Identity(),
        nn.ReLU(inplace),
        nn.Conv2d(6, 4, 3),
        nn.ReLU(inplace),
        nn.Flatten(),
        nn.Linear(4 * 36, 5),
    )


def images(count: int = 12) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_three_samples_by_hand() -> None:
    # Units on which they agree: 4 with themselves, 3, 2 and 1 between them; det [[4,3,2],[3,4,1],[2,1,4]] = 20.
    assert value(nn.ReLU(), THREE) == pytest.approx(math.log(20), rel=1e-12)


def test_agrees_with_the_definition_in_numpy() -> None:
    net, batch = network().train(), images()
    with torch.no_grad():
        first = net[1](net[0](batch))
        second = net[3](F.relu(first))
    codes = np.concatenate([(t.flatten(1) > 0).numpy() for t in (first, second)], axis=1).astype(np.int64)
    kernel = codes @ codes.T + (1 - codes) @ (1 - codes).T
    expected = np.linalg.slogdet(kernel.astype(np.float64))[1]
    assert value(network(), batch) == pytest.approx(expected, rel=1e-12)


def test_permuting_the_batch_changes_nothing() -> None:
    batch = images()
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(2))
    assert value(network(norm=False), batch[order]) == pytest.approx(value(network(norm=False), batch), rel=1e-9)


def test_a_positive_factor_before_the_activation_changes_nothing() -> None:
    net, batch = network(norm=False), images()
    before = value(net, batch)
    net[0].weight.data *= 4.0
    net[0].bias.data *= 4.0
    net[3].bias.data *= 4.0
    assert value(net, batch) == pytest.approx(before, rel=1e-12)


def test_hadamard_bound() -> None:
    batch = images()
    units = 6 * 64 + 4 * 36
    assert 0 < value(network(), batch) <= len(batch) * math.log(units)


def test_in_place_functional_and_mode_change_nothing() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.net[1](self.net[0](x)))
            return self.net[6](torch.clamp(self.net[3](x), min=0).flatten(1))

    reference = value(network(), images())
    assert value(network(inplace=True), images()) == reference
    assert value(network().eval(), images()) == reference
    assert value(Functional(), images()) == reference


def test_more_samples_than_a_block_of_units_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = value(network(), images())
    monkeypatch.setattr("zerocost.nwot._BLOCK", 50)
    assert value(network(), images()) == pytest.approx(reference, rel=1e-12)


@pytest.mark.parametrize(
    "activation",
    [nn.ReLU6(), nn.ReLU6(True), nn.LeakyReLU(), nn.LeakyReLU(0.2, True), nn.PReLU(), nn.RReLU(), nn.Threshold(0, 0)],
)
def test_relatives_of_relu_have_its_codes(activation: nn.Module) -> None:
    assert value(activation, THREE) == pytest.approx(math.log(20), rel=1e-12)


@pytest.mark.parametrize(
    "activation", [nn.GELU(), nn.SiLU(), nn.Tanh(), nn.Hardtanh(), nn.Threshold(1, 0), nn.Identity()]
)
def test_other_activations_do_not_count(activation: nn.Module) -> None:
    score = nwot(activation, THREE)
    assert score.value is None
    assert "no ReLU-like activation" in str(score.reason)


def test_only_tensors_with_the_batch_first_count() -> None:
    class Merged(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x) + torch.relu(x.reshape(-1, 2)).reshape(3, 4) + torch.relu(x.sum())

    assert value(Merged(), THREE) == pytest.approx(math.log(20), rel=1e-12)


def test_a_reused_activation_counts_every_time() -> None:
    relu = nn.ReLU()
    twice = value(nn.Sequential(relu, nn.Identity(), relu), THREE)
    # The second run sees the same codes: every entry of the kernel doubles.
    assert twice == pytest.approx(math.log(20) + 3 * math.log(2), rel=1e-12)


def test_fused_transformer_layers_are_opened() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert nwot(layer, torch.randn(4, 3, 8)).value is not None


def test_identical_samples_are_a_reason() -> None:
    score = nwot(nn.ReLU(), THREE[[0, 1, 1]])
    assert score.value is None
    assert "rank 2" in str(score.reason)


def test_one_sample_is_the_logarithm_of_the_units() -> None:
    assert value(network(norm=False), images(1)) == pytest.approx(math.log(6 * 64 + 4 * 36), rel=1e-12)


def test_outputs_that_are_not_finite_are_a_reason() -> None:
    net = network()
    net[6].weight.data.fill_(math.inf)
    assert "NaN or infinity" in str(nwot(net, images()).reason)
