"""Every proxy on every kind of network: which have a value, and why the others have none."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import zerocost
from tests.zerocost_cases import ALL, CASES, LABELS, Auxiliary, Checkpoints, Recurrent, conv, images, tokens, usual

OPTIONS = {"swap_reg": {"mu": 1.0, "sigma": 1e6}}
TOLD_BY_TORCH = {
    "wrong shape": "RuntimeError: Given groups",
    "one sample without positions in batch norm": "ValueError: Expected more than 1 value",
}


def scores_of(net: nn.Module, inputs: torch.Tensor, targets: torch.Tensor = LABELS) -> zerocost.Scores:
    return zerocost.score(net, inputs, targets, proxies=tuple(zerocost.PROXIES), options=OPTIONS)


def test_every_proxy_is_in_the_table() -> None:
    assert set(zerocost.PROXIES) == ALL
    for name, case in CASES.items():
        told = " ".join(case.without.values()).split()
        assert len(told) == len(set(told)), name
        assert set(told) <= ALL, name


SLOW = ("resnet18", "mobilenet")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in CASES])
def test_a_value_or_a_reason(name: str) -> None:
    case = CASES[name]
    scores = scores_of(case.make(), case.inputs(), case.targets)
    why = {proxy: words for words, proxies in case.without.items() for proxy in proxies.split()}
    reasons = {proxy: score.reason for proxy, score in scores.items() if score.reason is not None}
    assert set(reasons) == set(why), {proxy: reasons.get(proxy) for proxy in set(reasons) ^ set(why)}
    for proxy, reason in reasons.items():
        assert why[proxy] in reason, proxy
        assert "Error: " not in reason or reason.startswith(TOLD_BY_TORCH.get(name, "never")), (proxy, reason)
    for proxy in ALL - set(reasons):
        value = scores[proxy].value
        assert value is not None, proxy
        assert math.isfinite(value), proxy


class Sum(nn.Module):
    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace, self.branch = inplace, nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.branch(x)
        return out.add_(x) if self.inplace else out + x


def flexible(inplace: bool) -> nn.Module:
    torch.manual_seed(0)
    activations = [nn.LeakyReLU(0.1, inplace), Sum(inplace), nn.SiLU(inplace), nn.Conv2d(8, 8, 3), nn.ReLU(inplace)]
    more = [nn.Conv2d(8, 8, 1), nn.Hardswish(inplace), nn.BatchNorm2d(8), nn.ELU(1.0, inplace), nn.Conv2d(8, 8, 1)]
    return conv(*activations, *more, nn.Dropout(0.5, inplace), nn.ReLU6(inplace))


def test_in_place_activations_have_the_values_of_others() -> None:
    inputs = images(side=16).double()
    changed, kept = (scores_of(flexible(inplace).double(), inputs).values_by_name for inplace in (True, False))
    assert None not in kept.values()
    assert changed == pytest.approx(kept, rel=1e-9)


def test_dropout_adds_no_noise() -> None:
    inputs, sequences = images(), torch.randn(6, 5, 6)
    values = []
    for share in (0.0, 0.9):
        torch.manual_seed(0)
        between = scores_of(conv(nn.ReLU(), nn.Dropout(share)), inputs).values_by_name
        inside = scores_of(Recurrent(num_layers=2, dropout=share), sequences).values_by_name
        values.append((between, inside))
    assert values[0] == values[1]


def test_a_tuple_is_its_first_output() -> None:
    net, inputs = Auxiliary(), images()
    alone = scores_of(net.net, inputs).values_by_name
    found = scores_of(net, inputs).values_by_name
    assert found == {**alone, "meco": found["meco"]}  # which counts the module around the network too


def test_the_precision_of_a_network_changes_values_by_rounding_only() -> None:
    torch.manual_seed(0)
    net, inputs = usual(), images()
    single = scores_of(net, inputs).values_by_name
    double = scores_of(net.double(), inputs.double()).values_by_name
    assert single == pytest.approx(double, rel=1e-3)


def test_sparse_gradients_are_those_of_others() -> None:
    inputs = torch.randint(0, 10, (6, 5))
    values = []
    for sparse in (True, False):
        torch.manual_seed(0)
        found = scores_of(tokens(sparse).double(), inputs).values_by_name
        values.append({proxy: value for proxy, value in found.items() if value is not None})
    assert values[0] == pytest.approx(values[1], rel=1e-9)


HIDDEN = (
    "grad_norm snip plain fisher grasp synflow logsynflow jacov epe_nas zico gradsign ntk "
    "expressivity progressivity trainability"
)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid])
def test_checkpoints_change_nothing_or_are_refused(activation: type[nn.Module]) -> None:
    torch.manual_seed(0)
    net, inputs = Checkpoints(conv(nn.BatchNorm2d(8), activation())), images()
    plain = scores_of(net.net, inputs)
    for reentrant, refused in ((False, {"gradsign", "ntk"}), (True, set(HIDDEN.split()))):
        net.reentrant = reentrant
        within = scores_of(net, inputs)
        assert {name for name in within if "checkpoints off to score it" in str(within[name].reason)} == refused
        assert all(within[name].value == plain[name].value for name in within if name not in refused | {"meco"})


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_default_device_and_type_change_nothing(dtype: torch.dtype) -> None:
    net, inputs = usual(), images()
    reference = scores_of(net, inputs).values_by_name
    with torch.device("meta"):
        assert scores_of(net, inputs).values_by_name == reference
    torch.set_default_dtype(dtype)
    try:
        assert scores_of(net, inputs).values_by_name == reference
    finally:
        torch.set_default_dtype(torch.float32)
