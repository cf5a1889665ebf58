"""ntk: by hand, against singular values of copies' gradients, and its invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import zerocost
from tests.zerocost.frozen_nets import conv_net, frozen_copy, images


def ntk(module: nn.Module, inputs: torch.Tensor, **options: int) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies=("ntk",), options={"ntk": options})["ntk"]


def value(module: nn.Module, inputs: torch.Tensor, **options: int) -> float:
    score = ntk(module, inputs, **options)
    assert score.value is not None, score.reason
    return score.value


def test_a_linear_layer_by_hand() -> None:
    # A row is the sample itself, once for every output: the kernel is 3 * [[4, 2], [2, 2]], with eigenvalues 3 * (3 +- sqrt 5).
    inputs = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    expected = (3 + math.sqrt(5)) / (3 - math.sqrt(5))
    assert value(nn.Linear(2, 3, bias=False), inputs) == pytest.approx(expected, rel=1e-12)


def test_smaller_is_better() -> None:
    assert ntk(conv_net(), images()).direction == -1


def test_agrees_with_the_singular_values_of_a_loop_over_copies() -> None:
    net, batch = conv_net(), images()
    rows = []
    for n in range(len(batch)):
        twin = frozen_copy(net, batch)
        twin(batch[n : n + 1].clone()).sum().backward()
        weights = [p.grad for name, p in twin.named_parameters() if "weight" in name]
        assert any(gradient.ndim == 1 for gradient in weights)  # gains of normalisation are among them
        rows.append(np.concatenate([gradient.numpy().ravel() for gradient in weights]))
    singular = np.linalg.svd(np.stack(rows), compute_uv=False)
    assert value(net, batch) == pytest.approx((singular[0] / singular[-1]) ** 2, rel=1e-7)


def test_biases_are_left_out() -> None:
    inputs = torch.randn(3, 4)
    plain, biased = nn.Linear(4, 2, bias=False), nn.Linear(4, 2)
    assert value(biased, inputs) == value(plain, inputs)


def test_at_least_one_and_one_for_orthogonal_samples() -> None:
    assert value(nn.Linear(3, 2), 5 * torch.eye(3)) == pytest.approx(1.0, rel=1e-12)
    assert value(conv_net(), images()) > 1.0


def test_permuting_the_batch_changes_nothing() -> None:
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    assert value(conv_net(), images()[order]) == pytest.approx(value(conv_net(), images()), rel=1e-8)


def test_a_factor_of_the_outputs_changes_nothing() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = conv_net()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return -30 * self.net(x)

    assert value(Scaled(), images()) == pytest.approx(value(conv_net(), images()), rel=1e-8)


def test_the_first_samples_are_used() -> None:
    net = nn.Linear(3, 2, bias=False)
    inputs = torch.randn(6, 3)
    assert value(net, inputs, samples=2) == value(net, inputs[:2])
    many = torch.randn(40, 50)
    assert value(nn.Linear(50, 2), many) == value(nn.Linear(50, 2), many[:32])
    assert value(nn.Linear(50, 2), many, samples=33) != value(nn.Linear(50, 2), many)


def test_the_statistics_are_those_of_the_whole_batch() -> None:
    assert value(conv_net(), images(), samples=3) != pytest.approx(value(conv_net(), images()[:3]), rel=1e-3)


def test_blocks_of_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = value(conv_net(), images())
    monkeypatch.setattr("zerocost.ntk._BLOCK", 10)
    assert value(conv_net(), images()) == pytest.approx(reference, rel=1e-9)


def test_a_weight_that_one_sample_does_not_reach_has_a_row_of_zeros() -> None:
    class Routed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) > 1:
                return torch.cat([self.forward(row) for row in x.split(1)])
            return self.left(x) if x[0, 0] > 0 else self.right(x)

    # Two samples that share no weight: the kernel is diagonal, 2 * (9 and 4).
    assert value(Routed(), torch.tensor([[3.0, 0.0], [-2.0, 0.0]])) == pytest.approx(9 / 4, rel=1e-12)


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (nn.Linear(5, 2), torch.randn(3, 5)[[0, 1, 1]]),
        (nn.Linear(2, 2), torch.randn(3, 2)),
        (nn.Sequential(nn.Linear(3, 4), nn.Threshold(1e9, 0.0), nn.Linear(4, 2)), torch.randn(3, 3)),
    ],
)
def test_samples_that_cannot_be_learned_apart_are_a_reason(module: nn.Module, inputs: torch.Tensor) -> None:
    score = ntk(module, inputs)
    assert score.value is None
    assert "linearly dependent" in str(score.reason) or "do not depend" in str(score.reason)


def test_a_sample_repeated_among_different_rows_is_a_reason() -> None:
    assert "linearly dependent" in str(ntk(conv_net().float(), images().float()[[0, 1, 2, 3, 1]]).reason)


@pytest.mark.parametrize("samples", [1, 0, 2.5, True])
def test_options_are_checked(samples: object) -> None:
    with pytest.raises(ValueError, match="2 or more"):
        zerocost.score(nn.Linear(2, 2), torch.randn(3, 2), proxies=("ntk",), options={"ntk": {"samples": samples}})
