"""gradsign: by hand, against a loop over copies, and its invariants."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import zerocost
from tests.zerocost.frozen_nets import conv_net, frozen_copy, images
from zerocost.proxy import Loss

LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


def gradsign(
    module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor | None = LABELS, loss: Loss | None = None
) -> zerocost.Score:
    return zerocost.score(module, inputs, targets, loss, proxies=("gradsign",))["gradsign"]


def value(
    module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor | None = LABELS, loss: Loss | None = None
) -> float:
    score = gradsign(module, inputs, targets, loss)
    assert score.value is not None, score.reason
    return score.value


def test_three_samples_by_hand() -> None:
    net = nn.Linear(2, 1)
    nn.init.zeros_(net.bias)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0, -1.0]]))
    # Outputs -1, 3, -1; gradients 2 * output * input: (-2, -4), (18, 0), (0, -2); sums of signs 0 and -2. The bias is left out.
    inputs = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    assert value(net, inputs, torch.zeros(3, 1), nn.functional.mse_loss) == 2.0
    # With targets 5 every output is too small: inputs are positive, so all that is not 0 agrees.
    assert value(net, inputs, torch.full((3, 1), 5.0), nn.functional.mse_loss) == 4.0


def test_agrees_with_a_loop_over_copies() -> None:
    net, batch = conv_net(), images()
    signs = []
    for n in range(len(batch)):
        twin = frozen_copy(net, batch)
        nn.functional.cross_entropy(twin(batch[n : n + 1].clone()), LABELS[n : n + 1]).backward()
        weights = [p for p in twin.parameters() if p.ndim >= 2]
        signs.append(np.concatenate([np.sign(p.grad.numpy()).ravel() for p in weights]))
    expected = np.abs(np.sum(signs, axis=0)).sum()
    assert value(net, batch) == expected
    # The statistics matter: those of a sample alone, as instance norm takes them, give another number.
    assert expected != np.abs(signs[0]).sum() * len(batch)


def test_permuting_the_batch_changes_nothing() -> None:
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    assert value(conv_net(), images()[order], LABELS[order]) == value(conv_net(), images())


def test_a_positive_factor_of_the_loss_changes_nothing() -> None:
    def tenfold(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return 10 * nn.functional.cross_entropy(outputs, targets)

    assert value(conv_net(), images(), LABELS, tenfold) == value(conv_net(), images())


def test_equal_samples_agree_everywhere() -> None:
    net = nn.Linear(3, 4, bias=False)
    inputs = torch.tensor([[1.0, 0.0, -2.0]]).repeat(5, 1)
    # 4 x 2 weights have a gradient, those of the second input none.
    assert value(net, inputs, torch.ones(5, dtype=torch.int64)) == 5 * 8


def test_opposite_samples_cancel() -> None:
    net = nn.Linear(3, 1, bias=False)
    inputs = torch.randn(1, 3).repeat(2, 1)
    output = float(net(inputs)[0].detach())
    assert value(net, inputs, torch.tensor([[output + 1], [output - 1]]), nn.functional.mse_loss) == 0.0


def test_bounds() -> None:
    weights = sum(p.numel() for p in conv_net().parameters() if p.ndim >= 2)
    found = value(conv_net(), images())
    assert 0 < found < 6 * weights
    assert found == int(found)


def test_only_weights_of_two_or_more_dimensions_count() -> None:
    class Gain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.gain

    assert "two or more dimensions" in str(gradsign(Gain(), torch.randn(2, 3), torch.tensor([0, 1])).reason)


def test_a_network_that_is_cut_in_two_has_no_direction() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x) * 0)

    assert value(Cut(), torch.randn(4, 3), torch.tensor([0, 1, 1, 0])) == 0.0


def test_one_class_has_a_value_and_no_labels_are_a_reason() -> None:
    assert value(conv_net(), images(), torch.zeros(6, dtype=torch.int64)) > 0
    assert "targets" in str(gradsign(conv_net(), images(), None).reason)
