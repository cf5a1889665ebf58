"""The runner: names, reasons, shared passes, and any network there may be."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import nn

import zerocost
from zerocost.nwot import Nwot
from zerocost.proxy import Pass, Proxy

ALL = tuple(zerocost.PROXIES)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.head = nn.Linear(6, 40), nn.Linear(40, 3)
        self.inner = nn.Linear(40, 40)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.inner(self.inner(self.linear(x)).relu()))


class Auxiliary(nn.Module):
    """Returns a tuple, and more of it in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 40)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = self.linear(x).relu()
        return (out, x, x) if self.training else (out, x)


class Detached(nn.Module):
    """No path leads from the input to the output."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.head = nn.Linear(6, 40), nn.Linear(40, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.linear(x).relu() * 0)


def conv(*between: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), *between, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    )


def networks() -> dict[str, tuple[nn.Module, tuple[int, ...], set[str]]]:
    """Name -> network, shape of one sample, proxies that have no value on it."""
    return {
        "mlp": (nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 3)), (6,), set()),
        "conv with batch norm": (conv(nn.BatchNorm2d(8), nn.ReLU()), (3, 6, 6), set()),
        "conv without batch norm": (conv(nn.ReLU()), (3, 6, 6), set()),
        "in place": (conv(nn.BatchNorm2d(8), nn.ReLU(True)), (3, 6, 6), set()),
        "in place at the input": (nn.Sequential(nn.ReLU(True), nn.Flatten(), nn.Linear(108, 3)), (3, 6, 6), set()),
        "without relu": (conv(nn.GELU()), (3, 6, 6), {"nwot"}),
        "dropout": (conv(nn.ReLU(), nn.Dropout(0.5)), (3, 6, 6), set()),
        "shared": (Shared(), (6,), set()),
        "tuple": (Auxiliary(), (6,), set()),
        "frozen": (conv(nn.ReLU()).requires_grad_(False), (3, 6, 6), set()),
        "lstm": (nn.LSTM(6, 4, batch_first=True), (5, 6), {"nwot"}),
        "transformer": (nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), (5, 6), set()),
        "disconnected": (Detached(), (6,), {"synflow"}),
        "wrong shape": (conv(nn.ReLU()), (5, 6, 6), {"synflow", "nwot", "macs"}),
        "lazy": (nn.LazyLinear(3), (6,), set(ALL)),
        "half": (conv(nn.BatchNorm2d(8), nn.ReLU()).bfloat16(), (3, 6, 6), set()),
    }


@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("batch", [1, 6])
def test_any_network_has_a_value_or_a_reason(name: str, batch: int) -> None:
    net, shape, without = networks()[name]
    inputs = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(7))
    inputs = inputs.bfloat16() if name == "half" else inputs
    scores = zerocost.score(net, inputs, proxies=ALL)
    assert list(scores) == list(ALL)
    for proxy, score in scores.items():
        assert (score.value is None) == (proxy in without), (proxy, score)
        assert (score.reason is None) == (score.value is not None)
        assert score.value is None or math.isfinite(score.value)
        assert score.seconds >= 0


def test_two_calls_and_any_company_give_the_same_values() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.calls = nn.Linear(6, 30), 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return torch.relu(self.linear(x) + self.calls * torch.randn(len(x), 30))

    net, inputs = Noisy(), torch.randn(4, 6)
    together = zerocost.score(net, inputs, proxies=ALL).values_by_name
    assert together == zerocost.score(net, inputs, proxies=ALL).values_by_name
    for name in ALL:
        assert zerocost.score(net, inputs, proxies=name)[name].value == together[name] is not None


@pytest.mark.filterwarnings("ignore")
def test_scripted_modules_are_refused_and_left_alone() -> None:
    net = torch.jit.script(nn.Sequential(nn.Linear(6, 30), nn.ReLU()))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    scores = zerocost.score(net, torch.randn(5, 6), proxies=ALL)
    assert all("TorchScript" in str(score.reason) for score in scores.values())
    assert net.training
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_several_inputs_are_positional_arguments() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bilinear = nn.Bilinear(3, 4, 5)

        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return self.bilinear(first, second).relu()

    scores = zerocost.score(Two(), (torch.randn(6, 3), torch.randn(6, 4)), proxies=ALL)
    assert scores["synflow"].value is not None


def test_torchvision_network() -> None:
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    scores = zerocost.score(models.resnet18(), torch.randn(3, 3, 32, 32), proxies=ALL)
    assert all(score.reason is None for score in scores.values())
    assert scores["params"].value == 11_689_512


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown proxy 'synflw'; known proxies are params, macs, synflow, nwot"):
        zerocost.score(nn.ReLU(), torch.zeros(1, 2), proxies=("nwot", "synflw"))


@pytest.mark.parametrize("inputs", [[], [1.0], [torch.zeros(2, 3), "x"]])
def test_inputs_that_are_none(inputs: Any) -> None:
    with pytest.raises(TypeError, match="inputs"):
        zerocost.score(nn.ReLU(), inputs)


@pytest.mark.parametrize("inputs", [torch.zeros(0, 3), torch.tensor(1.0), (torch.zeros(2, 3), torch.zeros(3, 3))])
def test_inputs_without_one_batch(inputs: Any) -> None:
    with pytest.raises(ValueError, match="dimension 0"):
        zerocost.score(nn.ReLU(), inputs)


def test_a_module_is_needed() -> None:
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        zerocost.score(torch.relu, torch.zeros(1, 2))  # type: ignore[arg-type]


CALLS: list[int] = []


class Counting(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        CALLS.append(len(x))
        return torch.relu(x)


class Twin(Nwot):
    name = "twin"


class Infinite(Proxy):
    name = "infinite"
    direction = -1

    def value(self) -> float:
        return math.inf


class Broken(Proxy):
    name = "broken"
    needs = Pass.BATCH

    def watch(self) -> AbstractContextManager[Any]:
        raise RuntimeError("broken\nmore")


def test_proxies_of_one_pass_share_its_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zerocost.PROXIES, "twin", Twin)
    CALLS.clear()
    scores = zerocost.score(Counting(), torch.randn(5, 9), proxies=("nwot", "twin"))
    assert CALLS == [5]
    assert scores["nwot"].value == scores["twin"].value


def test_a_broken_proxy_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zerocost.PROXIES, "broken", Broken)
    monkeypatch.setitem(zerocost.PROXIES, "infinite", Infinite)
    inputs = torch.randn(5, 20)
    scores = zerocost.score(Counting(), inputs, proxies=("broken", "nwot", "infinite"))
    assert scores["broken"].reason == "RuntimeError: broken"
    assert scores["nwot"].value == zerocost.score(Counting(), inputs, proxies="nwot")["nwot"].value
    assert scores["infinite"] == zerocost.Score(None, -1, scores["infinite"].seconds, "the value is inf")


def test_scores_read_as_a_mapping() -> None:
    scores = zerocost.score(nn.Linear(2, 3), torch.zeros(1, 2), proxies=("params", "nwot"))
    assert scores.values_by_name == {"params": 9.0, "nwot": None}
    assert scores.seconds == sum(score.seconds for score in scores.values())
    assert zerocost.Score(2.0, -1, 0.0).oriented == -2.0
    assert scores["nwot"].oriented is None
