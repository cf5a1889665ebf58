"""The runner: names, reasons, and values that do not depend on what is asked for beside."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import nn

import zerocost
from zerocost.nwot import Nwot
from zerocost.proxy import Pass, Proxy

ALL = tuple(zerocost.PROXIES)


OPTIONS = {"swap_reg": {"mu": 1.0, "sigma": 100.0}}


def scores_of(net: nn.Module, inputs: torch.Tensor, proxies: Any = ALL, **more: Any) -> zerocost.Scores:
    labels = torch.arange(len(inputs)) % 3
    return zerocost.score(net, inputs, labels, proxies=proxies, options=OPTIONS, **more)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.LSTM(17, 9, num_layers=2, dropout=0.3, batch_first=True), nn.Linear(9, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x.transpose(1, 2))[0][:, -1].relu())


class Transposed(nn.Module):
    """Its product is by another kernel, with another rounding, where the weight requires a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.head = nn.Linear(17, 5, bias=False), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.into(x.transpose(1, 2)).relu().square().mean(dim=1))


class Noisy(nn.Module):
    """Draws random numbers and remembers its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.calls = nn.Linear(17 * 7, 30), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.relu(self.linear(x.flatten(1)) + self.calls * torch.randn(len(x), 30))


def chain() -> nn.Module:
    conv = [nn.Conv1d(17, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU(True), nn.Dropout(0.5), nn.Conv1d(8, 8, 3)]
    return nn.Sequential(*conv, nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 3))


def half_frozen() -> nn.Module:
    net = chain()
    net[0].requires_grad_(False)
    return net


def attention() -> nn.Module:
    layer = nn.TransformerEncoderLayer(7, 1, 12, batch_first=True)
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(17 * 7, 3))


@pytest.mark.parametrize("make", [chain, half_frozen, attention, Recurrent, Transposed, Noisy])
@pytest.mark.slow
def test_two_calls_and_any_company_give_the_same_values(make: Callable[[], nn.Module]) -> None:
    net, inputs = make(), torch.randn(8, 17, 7)
    together = scores_of(net, inputs).values_by_name
    assert together == scores_of(net, inputs).values_by_name
    assert together == scores_of(net, inputs, ALL[::-1]).values_by_name
    alone = {name: scores_of(net, inputs, name)[name].value for name in ALL}
    assert alone == together
    pairs = [(name, other) for name in ALL for other in ("fisher", "jacov") if name != other]
    for pair in pairs:
        found = scores_of(net, inputs, pair).values_by_name
        assert found == {name: together[name] for name in pair}


def test_every_proxy_has_a_value_on_an_ordinary_network() -> None:
    images = torch.randn(6, 3, 12, 12)
    layers: list[nn.Module] = []
    for c_in, c_out in ((3, 8), (8, 8), (8, 12)):
        block = nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.ReLU())
        layers.append(block)
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3))
    scores = scores_of(net, images)
    assert {name: score.reason for name, score in scores.items() if score.value is None} == {}
    assert {score.direction for name, score in scores.items() if name != "ntk"} == {1}
    assert scores["ntk"].direction == -1
    assert all(score.seconds >= 0 for score in scores.values())


def test_proxies_that_read_labels_say_so_without_them() -> None:
    net = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 3))
    scores = zerocost.score(net, torch.randn(5, 6), proxies=ALL)
    needy = {name for name, score in scores.items() if score.reason == "it needs targets: give the labels of the batch"}
    assert needy == {"grad_norm", "snip", "plain", "fisher", "grasp", "epe_nas", "zico", "gradsign"}
    assert scores["jacov"].value is not None


@pytest.mark.filterwarnings("ignore")
def test_scripted_modules_are_refused_and_left_alone() -> None:
    net = torch.jit.script(nn.Sequential(nn.Linear(6, 30), nn.ReLU()))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    scores = scores_of(net, torch.randn(5, 6))
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


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match=f"unknown proxy 'synflw'; known proxies are {', '.join(ALL)}"):
        zerocost.score(nn.ReLU(), torch.zeros(1, 2), proxies=("nwot", "synflw"))


@pytest.mark.parametrize("inputs", [[], [1.0], [torch.zeros(2, 3), "x"]])
def test_inputs_that_are_none(inputs: Any) -> None:
    with pytest.raises(TypeError, match="inputs"):
        zerocost.score(nn.ReLU(), inputs)


def test_targets_that_are_none() -> None:
    with pytest.raises(TypeError, match="targets must be a tensor, got list"):
        zerocost.score(nn.ReLU(), torch.zeros(2, 3), [0, 1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"swap_reg": {"my": 1.0}}, "the proxy swap_reg has no option my; it takes mu, sigma"),
        ({"nwot": {"mu": 1.0}}, "the proxy nwot has no option mu; it takes none"),
        ({"swp": {}}, "unknown proxy 'swp'"),
    ],
)
def test_options_that_are_none(options: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zerocost.score(nn.ReLU(), torch.zeros(2, 3), proxies=("nwot", "swap_reg"), options=options)


@pytest.mark.parametrize("inputs", [torch.zeros(0, 3), torch.tensor(1.0), (torch.zeros(2, 3), torch.zeros(3, 3))])
def test_inputs_without_one_batch(inputs: Any) -> None:
    with pytest.raises(ValueError, match="dimension 0"):
        zerocost.score(nn.ReLU(), inputs)


def test_a_module_is_needed() -> None:
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        zerocost.score(torch.relu, torch.zeros(1, 2))  # type: ignore[arg-type]


CALLS: list[int] = []
BACKWARD: list[int] = []


class Marked(torch.autograd.Function):
    """Hands on, and counts the backward runs that pass."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        BACKWARD.append(len(gradient))
        return gradient


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(20, 20), nn.Linear(20, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        CALLS.append(len(x))
        return self.last(Marked.apply(self.first(x)).relu())


BUNDLE = ("grad_norm", "snip", "fisher", "plain", "nwot", "swap", "jacov", "epe_nas")


@pytest.mark.parametrize(
    ("proxies", "forward", "backward"),
    [
        (BUNDLE, 1, 2),
        (("grad_norm", "snip", "plain", "fisher"), 1, 1),
        (("jacov", "epe_nas"), 1, 1),
        (("nwot", "swap", "swap_reg"), 1, 0),
        (("fisher",), 1, 1),
        (("params", "l2_norm", "macs"), 1, 0),
        (("synflow", "logsynflow"), 1, 1),
        (("grasp",), 1, 2),
    ],
)
def test_proxies_share_what_they_run(proxies: tuple[str, ...], forward: int, backward: int) -> None:
    CALLS.clear()
    BACKWARD.clear()
    scores = scores_of(Counting(), torch.randn(5, 20), proxies)
    assert all(score.value is not None for score in scores.values())
    assert (len(CALLS), len(BACKWARD)) == (forward, backward)


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


class Leaving(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sys.exit(3)


def test_a_network_that_ends_the_program_gives_a_reason() -> None:
    scores = zerocost.score(Leaving(), torch.randn(5, 20), proxies=("params", "nwot"))
    assert (scores["nwot"].value, scores["nwot"].reason) == (None, "SystemExit: 3")
    assert scores["params"].value == 0


def test_proxies_of_one_pass_share_its_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zerocost.PROXIES, "twin", Twin)
    CALLS.clear()
    scores = zerocost.score(Counting(), torch.randn(5, 20), proxies=("nwot", "twin"))
    assert CALLS == [5]
    assert scores["nwot"].value == scores["twin"].value


def test_a_broken_proxy_takes_no_other_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zerocost.PROXIES, "broken", Broken)
    monkeypatch.setitem(zerocost.PROXIES, "infinite", Infinite)
    net, inputs = Counting(), torch.randn(5, 20)
    scores = zerocost.score(net, inputs, proxies=("broken", "nwot", "infinite"))
    assert scores["broken"].reason == "RuntimeError: broken"
    assert scores["nwot"].value == zerocost.score(net, inputs, proxies="nwot")["nwot"].value is not None
    assert scores["infinite"] == zerocost.Score(None, -1, scores["infinite"].seconds, "the value is inf")


def test_scores_read_as_a_mapping() -> None:
    scores = zerocost.score(nn.Linear(2, 3), torch.zeros(1, 2), proxies=("params", "nwot"))
    assert scores.values_by_name == {"params": 9.0, "nwot": None}
    assert scores.seconds == sum(score.seconds for score in scores.values())
    assert zerocost.Score(2.0, -1, 0.0).oriented == -2.0
    assert scores["nwot"].oriented is None
