"""meco: by hand, against numpy, its invariants, and which images and outputs it reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import zerocost


def meco(module: nn.Module, inputs: torch.Tensor, seed: int = 0) -> zerocost.Score:
    return zerocost.score(module, inputs, proxies=("meco",), seed=seed)["meco"]


def value(module: nn.Module, inputs: torch.Tensor, seed: int = 0) -> float:
    score = meco(module, inputs, seed)
    assert score.value is not None, score.reason
    return score.value


class Fixed(nn.Module):
    """Gives the same feature map whatever comes."""

    def __init__(self, *rows: list[float]) -> None:
        super().__init__()
        self.rows = torch.tensor([rows], dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rows


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(5)
    inner = nn.Sequential(nn.Conv2d(6, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(True))
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), inner, nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(4, 5)).to(dtype)


def images(count: int = 4, side: int = 8, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(count, 3, side, side, dtype=dtype)


def test_two_channels_by_hand() -> None:
    # Products 1 of lengths sqrt(2): correlation 1/2, eigenvalues 1/2 and 3/2.
    assert value(Fixed([1.0, -1.0, 0.0], [1.0, 0.0, -1.0]), images()) == pytest.approx(0.5, rel=1e-12)


def test_shift_and_scale_of_a_channel_change_nothing() -> None:
    assert value(Fixed([12.0, 8.0, 10.0], [-3.0, 0.0, 3.0]), images()) == pytest.approx(0.5, rel=1e-6)


def test_every_module_counts_and_containers_too() -> None:
    # One channel correlates with itself by 1: three modules hand the image on.
    assert value(nn.Sequential(nn.Identity(), nn.Identity()), torch.randn(4, 1, 8, 8)) == pytest.approx(3.0, rel=1e-12)


def test_a_module_that_runs_twice_counts_twice() -> None:
    part = Fixed([1.0, -1.0, 0.0], [1.0, 0.0, -1.0])
    assert value(nn.Sequential(OrderedDict(first=part, second=part)), images()) == pytest.approx(1.5, rel=1e-12)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(([1.0, 2.0, 4.0], [2.0, 4.0, 8.0]), id="dependent"),
        pytest.param(([1.0, 2.0, 4.0], [3.0, 3.0, 3.0]), id="constant"),
        pytest.param(([1.0, 2.0, 4.0, 5.0, 7.0, 8.0, 9.0], [0.1] * 7), id="constant but for rounding"),
        pytest.param(([0.0, 0.0, 0.0],), id="nothing but zeros"),
    ],
)
def test_terms_that_are_zero(rows: tuple[list[float], ...]) -> None:
    assert value(Fixed(*rows), images()) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_agrees_with_the_published_procedure_in_numpy(dtype: torch.dtype, tolerance: float) -> None:
    terms: list[float] = []

    def read(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        channels = output[0].detach().double().reshape(len(output[0]), -1).numpy()
        correlations = np.nan_to_num(np.atleast_2d(np.corrcoef(channels)), nan=0.0)
        terms.append(min(np.linalg.eigvals(correlations).real))

    net = network(dtype).train()
    for module in net.modules():
        module.register_forward_hook(read)
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    with torch.no_grad():
        net(noise.to(dtype))
    assert len(terms) == 11
    assert value(network(dtype), images(dtype=dtype), seed=7) == pytest.approx(sum(terms), rel=tolerance)


def test_data_batch_size_and_mode_change_nothing_but_the_seed_does() -> None:
    reference = value(network(), images())
    assert value(network(), torch.full((1, 3, 8, 8), 9.0, dtype=torch.float64)) == reference
    assert value(network().eval(), images(7)) == reference
    assert value(network(), images(), seed=1) != reference


def test_the_weights_matter_and_the_scale_of_a_filter_does_not() -> None:
    torch.manual_seed(3)
    conv = nn.Conv2d(3, 6, 3)
    before = value(conv, images(dtype=torch.float32))
    assert 0 < before < 1
    with torch.no_grad():
        conv.weight *= torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, -6.0])[:, None, None, None]
    assert value(conv, images(dtype=torch.float32)) == pytest.approx(before, rel=1e-4)
    with torch.no_grad():
        conv.weight[1] += conv.weight[0]
    assert value(conv, images(dtype=torch.float32)) != pytest.approx(before, rel=1e-2)


class Recording(nn.Module):
    """Tells the shape of what it is given, and may refuse all sides but one."""

    def __init__(self, tell: Callable[[tuple[int, ...]], None], side: int | None) -> None:
        super().__init__()
        self.tell, self.side = tell, side
        self.conv = nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.tell(tuple(x.shape))
        x = self.conv(x)
        if self.side not in (None, x.shape[-1]):
            raise RuntimeError("no other size")
        return x


@pytest.mark.parametrize(
    ("given", "side", "expected"),
    [
        ((5, 1, 8, 8), None, [(1, 1, 64, 64)]),
        ((5, 1, 80, 8), None, [(1, 1, 80, 64)]),
        ((5, 1, 80, 96), None, [(1, 1, 80, 96)]),
        ((5, 1, 8, 8), 8, [(1, 1, 64, 64), (1, 1, 8, 8)]),
    ],
)
def test_the_image_is_enlarged_where_the_network_lets_it(
    given: tuple[int, ...], side: int | None, expected: list[tuple[int, ...]]
) -> None:
    shapes: list[tuple[int, ...]] = []
    # Two modules, one channel each; the convolution of the refused run does not count.
    assert value(Recording(shapes.append, side), torch.zeros(given)) == pytest.approx(2.0, rel=1e-12)
    assert shapes == expected


def test_sequences_keep_their_length() -> None:
    conv = nn.Conv1d(2, 3, 1)
    assert 0 <= value(conv, torch.randn(4, 2, 20)) <= 1
    assert "no module" in str(meco(conv, torch.randn(4, 2, 3)).reason)


def test_a_norm_of_one_value_a_channel_takes_its_running_statistics() -> None:
    trunk = network()[:6]
    tail = nn.Sequential(*trunk, nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    assert value(tail, images()) == value(trunk, images())


def test_tuples_and_dictionaries() -> None:
    class Many(nn.Module):
        def __init__(self, last: nn.Module) -> None:
            super().__init__()
            self.part = Fixed([1.0, -1.0, 0.0], [1.0, 0.0, -1.0])
            self.last = last

        def forward(self, x: torch.Tensor) -> Any:
            return self.last(self.part(x))

    class Pair(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return x, {"other": x}

    class Named(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return {"features": x}

    assert value(Many(Pair()), images()) == pytest.approx(1.5, rel=1e-12)
    assert value(Many(Named()), images()) == pytest.approx(0.5, rel=1e-12)


def test_outputs_without_the_image_as_first_dimension_do_not_count() -> None:
    class Transposed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.transpose(0, 1)

    assert "no module" in str(meco(Transposed(), images()).reason)


def test_reasons_in_place_of_a_value() -> None:
    assert "positions than channels" in str(
        meco(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), images().float()).reason
    )
    assert "floating-point" in str(meco(nn.Embedding(9, 4), torch.zeros(2, 5, dtype=torch.int64)).reason)
    assert "NaN or infinity" in str(meco(Fixed([1.0, float("nan"), 0.0]), images()).reason)
    assert str(meco(nn.Conv2d(5, 2, 3), images().float()).reason).startswith("RuntimeError")
