"""Batch statistics held fixed: by hand, against evaluation mode with those statistics, and what must not be held."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.zerocost.frozen_nets import conv_net, frozen_copy, images
from zerocost.errors import Undefined
from zerocost.frozen import BatchStatistics, check_alone


def recorded(net: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor) -> tuple[BatchStatistics, torch.Tensor]:
    statistics = BatchStatistics(len(inputs))
    with torch.no_grad(), statistics.recording():
        outputs = net(inputs)
    return statistics, outputs


def test_two_numbers_by_hand() -> None:
    norm = nn.BatchNorm1d(1, eps=1.0, dtype=torch.float64)
    nn.init.constant_(norm.weight, 3.0)
    nn.init.constant_(norm.bias, 0.5)
    # Mean 4, biased variance 3: (x - 4) / sqrt(3 + 1) * 3 + 0.5.
    statistics, outputs = recorded(norm, torch.tensor([[4.0 - 3**0.5], [4.0 + 3**0.5]], dtype=torch.float64))
    assert outputs.flatten().tolist() == pytest.approx([0.5 - 1.5 * 3**0.5, 0.5 + 1.5 * 3**0.5], rel=1e-12)
    point = torch.tensor([[10.0]], dtype=torch.float64, requires_grad=True)
    with statistics.held():
        held = norm(point)
    held.sum().backward()
    assert held.item() == pytest.approx(9.5, rel=1e-12)
    assert point.grad is not None
    assert point.grad.item() == pytest.approx(1.5, rel=1e-12)


def test_the_batch_runs_as_in_training_mode() -> None:
    net, batch = conv_net().train(), images()
    reference = copy.deepcopy(net)(batch)
    assert torch.allclose(recorded(net, batch)[1], reference, rtol=1e-10)


def test_a_sample_by_itself_is_its_row_of_the_batch() -> None:
    net, batch = conv_net().train(), images()
    statistics, outputs = recorded(net, batch)
    for n in range(len(batch)):
        with statistics.held():
            alone = net(batch[n : n + 1])
        assert torch.allclose(alone, outputs[n : n + 1], rtol=1e-10)
    assert not torch.allclose(net.eval()(batch), outputs, rtol=1e-2)


def test_gradients_are_those_of_fixed_running_statistics() -> None:
    net, batch = conv_net().train(), images()
    twin = frozen_copy(net, batch)
    statistics, _ = recorded(net, batch)
    points = torch.randn(3, 3, 7, 7, dtype=torch.float64)
    with statistics.held():
        net(points).square().sum().backward()
    twin(points).square().sum().backward()
    for mine, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        assert mine.grad is not None
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-8, atol=1e-12)
    # Were the statistics those of the points, the convolution's bias would have no gradient.
    assert float(net[0].bias.grad.norm()) > 1e-3


def test_every_call_of_a_shared_module_has_its_own_statistics() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(2, dtype=torch.float64)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(self.norm(x) ** 2)

    net, batch = Twice(), torch.randn(5, 2, dtype=torch.float64)
    statistics, outputs = recorded(net, batch)
    with statistics.held():
        assert torch.allclose(net(batch[3:4]), outputs[3:4], rtol=1e-10)


@pytest.mark.parametrize("call", [F.batch_norm, torch.batch_norm])
def test_functional_calls_count(call: Callable[..., torch.Tensor]) -> None:
    gain = torch.tensor([2.0, 3.0])

    def net(x: torch.Tensor) -> torch.Tensor:
        if call is F.batch_norm:
            return F.batch_norm(x, None, None, weight=gain, training=True, eps=1e-3)
        return torch.batch_norm(x, gain, None, None, None, True, 0.1, 1e-3, False)

    batch = torch.randn(5, 2)
    statistics, outputs = recorded(net, batch)
    assert torch.allclose(outputs, net(batch), atol=1e-6)
    with statistics.held():
        assert torch.allclose(net(batch[:1]), outputs[:1], atol=1e-6)


def test_standardised_weights_are_left_alone() -> None:
    class Standardised(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            weight = F.batch_norm(self.weight.unsqueeze(0), None, None, training=True).squeeze(0)
            return F.linear(x, weight)

    net, batch = Standardised(6, 3, dtype=torch.float64), torch.randn(4, 6, dtype=torch.float64)
    reference = copy.deepcopy(net)
    reference(batch[:1]).sum().backward()
    statistics, _ = recorded(net, batch)
    with statistics.held():
        net(batch[:1]).sum().backward()
    assert net.weight.grad is not None
    assert torch.equal(net.weight.grad, reference.weight.grad)


def test_running_statistics_and_instance_norm_are_left_alone() -> None:
    net = nn.Sequential(nn.InstanceNorm1d(2), nn.BatchNorm1d(2).eval())
    nn.init.constant_(net[1].running_mean, 7.0)
    batch = torch.randn(4, 2, 5)
    statistics, outputs = recorded(net, batch)
    with statistics.held():
        assert torch.equal(net(batch), outputs)
    assert torch.equal(net(batch), outputs)


@pytest.mark.parametrize(("count", "word"), [(1, "1 times"), (3, "more times")])
def test_another_number_of_calls_is_undefined(count: int, word: str) -> None:
    batch = torch.randn(5, 2)
    statistics, _ = recorded(nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2)), batch)
    other = nn.Sequential(*[nn.BatchNorm1d(2) for _ in range(count)])
    with pytest.raises(Undefined, match=word), statistics.held():
        other(batch)


def test_a_single_value_a_channel_is_undefined() -> None:
    with pytest.raises(Undefined, match="single value a channel"):
        recorded(nn.BatchNorm1d(3), torch.randn(1, 3))
    recorded(nn.BatchNorm2d(3), torch.randn(1, 3, 2, 1))


def test_half_precision_keeps_its_type() -> None:
    net, batch = nn.BatchNorm1d(3).bfloat16(), torch.randn(8, 3).bfloat16()
    statistics, outputs = recorded(net, batch)
    with statistics.held():
        assert torch.allclose(net(batch[:2]), outputs[:2])
    assert outputs.dtype == torch.bfloat16


def test_outputs_that_depend_on_the_company_are_found() -> None:
    outputs = torch.randn(4, 3)
    scale = outputs.abs().max()
    check_alone(outputs[1:2] * (1 + 1e-5), outputs[1:2], scale)
    with pytest.raises(Undefined, match="mixes samples"):
        check_alone(outputs[1:2] - outputs.mean(dim=0), outputs[1:2], scale)
    with pytest.raises(Undefined, match="by itself"):
        check_alone(outputs[1], outputs[1:2], scale)
