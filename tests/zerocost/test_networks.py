"""Every proxy on every kind of network: which have a value, and why the others have none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

import zerocost
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets import build_candidate

# fmt: off
ALL = frozenset([
    "params", "macs", "l2_norm", "grad_norm", "snip", "plain", "fisher", "grasp", "synflow", "logsynflow", "jacov", "epe_nas",
    "nwot", "swap", "swap_reg", "zen", "zico", "meco", "gradsign", "ntk", "linear_regions",
    "expressivity", "progressivity", "trainability",
])
# fmt: on
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
OPTIONS = {"swap_reg": {"mu": 1.0, "sigma": 1e6}}


def images(count: int = 6, side: int = 32) -> torch.Tensor:
    return torch.randn(count, 3, side, side)


def conv(*between: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), *between, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
    )


def usual() -> nn.Module:
    return conv(nn.BatchNorm2d(8), nn.ReLU())


def cell(*operations: str) -> nn.Module:
    space = NasBench201()
    code = tuple(space.operations.index(name) for name in operations)
    return build_candidate(Architecture("nasbench201", code), NetworkSize(channels=8, cells=1, classes=3))


def torchvision(name: str, **arguments: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
        return getattr(models, name)(num_classes=3, **arguments)

    return make


def vision_transformer(head: bool) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        size = {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
        net = torchvision("VisionTransformer", **size)()
        if head:  # torchvision makes it of zeros
            nn.init.normal_(net.heads[-1].weight)
        return net

    return make


class Recurrent(nn.Module):
    def __init__(self, **more: Any) -> None:
        super().__init__()
        self.layer, self.head = nn.LSTM(6, 8, batch_first=True, **more), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x)[0][:, -1])


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.head = nn.Linear(6, 20), nn.Linear(20, 20), nn.Linear(20, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.inner(self.inner(self.first(x).relu()).relu()))


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.matrix = nn.Parameter(torch.randn(8, 3, 3, 3)), nn.Parameter(torch.randn(3, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(F.relu(F.conv2d(x, self.kernel, padding=1)).mean(dim=(2, 3)), self.matrix)


class Auxiliary(nn.Module):
    """Returns a tuple, and more of it in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.net = usual()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = self.net(x)
        return (out, x, x) if self.training else (out, x)


class Named(Auxiliary):
    def forward(self, x: torch.Tensor) -> Any:
        return {"out": self.net(x)}


class Detached(Auxiliary):
    def forward(self, x: torch.Tensor) -> Any:
        return self.net(x).detach()


def parametrised() -> nn.Module:
    return nn.Sequential(
        weight_norm(nn.Conv2d(3, 8, 3)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), weight_norm(nn.Linear(8, 3))
    )


class Checkpoints(nn.Module):
    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.net, self.reentrant = usual(), reentrant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net[3:](checkpoint(self.net[:3], x, use_reentrant=self.reentrant))


def tokens(sparse: bool = False) -> nn.Module:
    return nn.Sequential(
        nn.Embedding(10, 8, sparse=sparse), nn.Flatten(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 3)
    )


def mlp(*between: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 40), *between, nn.ReLU(), nn.Linear(40, 3))


NO_RELU = {"no ReLU-like activation (kink at zero) ran": "nwot swap swap_reg linear_regions"}
NO_MAP = {"no module gives a feature map with more positions than channels": "meco"}
NO_TOKENS = {
    "it needs an input of floating-point numbers": "jacov epe_nas",
    "needs inputs of floating-point numbers": "zen meco linear_regions",
}
NO_FLOW = {"the flow is zero": "synflow logsynflow"}
ONE_SAMPLE = {
    "a batch of 2 or more": "jacov zico gradsign ntk linear_regions",
    "the batch holds one class only": "epe_nas",
    "has a single position of a single sample": "expressivity progressivity",
}
FROZEN = {
    "the loss does not depend on any trainable weight": "grad_norm snip plain fisher grasp zico",
    "the network has no trainable weight": "gradsign ntk",
}
EVERYTHING_BUT_PARAMS = " ".join(ALL - {"params"})


class Case(NamedTuple):
    make: Callable[[], nn.Module]
    inputs: Callable[[], torch.Tensor]
    without: dict[str, str]
    """Words of a reason -> the proxies that give it."""
    targets: torch.Tensor = LABELS


CASES = {
    "resnet18": Case(torchvision("resnet18"), images, {}),
    "mobilenet": Case(torchvision("mobilenet_v3_small"), images, {"cannot be differentiated twice": "grasp"}),
    "vision transformer": Case(vision_transformer(True), images, NO_RELU),
    "vision transformer with a head of zeros": Case(
        vision_transformer(False), images, {**NO_RELU, **NO_FLOW, "its Jacobian row is constant": "jacov epe_nas"}
    ),
    "multi-layer perceptron": Case(mlp, lambda: torch.randn(6, 6), NO_MAP),
    "recurrent": Case(Recurrent, lambda: torch.randn(6, 5, 6), NO_RELU),
    "without normalisation": Case(lambda: conv(nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU()), images, {}),
    "group norm": Case(lambda: conv(nn.GroupNorm(2, 8), nn.ReLU()), images, {}),
    "without relu": Case(lambda: conv(nn.BatchNorm2d(8), nn.GELU()), images, NO_RELU),
    "shared weights": Case(Shared, lambda: torch.randn(6, 6), NO_MAP),
    "in place": Case(lambda: conv(nn.BatchNorm2d(8), nn.ReLU(True), nn.Conv2d(8, 8, 3), nn.SiLU(True)), images, {}),
    "in place at the input": Case(lambda: nn.Sequential(nn.ReLU(True), usual()), images, {}),
    "cell": Case(lambda: cell(*["nor_conv_3x3"] * 6), images, {}),
    "disconnected cell": Case(
        lambda: cell(*["none"] * 6),
        images,
        {
            **NO_FLOW,
            "the outputs do not depend on the inputs": "jacov epe_nas",
            "do not tell all samples apart": "nwot",
            "the features before the global pooling do not depend on the input": "zen",
            "the two halves of the batch have equal gradients": "zico",
            "the outputs do not depend on any trainable weight that is not a bias": "ntk",
            "is constant: its channels have no variance": "expressivity progressivity",
        },
    ),
    "one class": Case(usual, images, {"the batch holds one class only": "epe_nas"}, LABELS * 0),
    "one sample": Case(usual, lambda: images(1), ONE_SAMPLE, LABELS[:1]),
    "one sample without positions in batch norm": Case(
        lambda: mlp(nn.BatchNorm1d(40)),
        lambda: torch.randn(1, 6),
        {
            **NO_MAP,
            "a batch of 2 or more": "zico gradsign ntk linear_regions",
            "ValueError: Expected more than 1 value per channel": "grad_norm snip plain fisher grasp jacov epe_nas nwot swap "
            "swap_reg zen expressivity progressivity trainability",
        },
        LABELS[:1],
    ),
    "brain floats": Case(lambda: usual().bfloat16(), lambda: images().bfloat16(), {}),
    "halves": Case(lambda: usual().half(), lambda: images().half(), {}),
    "doubles": Case(lambda: usual().double(), lambda: images().double(), {}),
    "frozen": Case(lambda: usual().requires_grad_(False), images, FROZEN),
    "functional": Case(
        Functional, images, {**NO_MAP, "no gradient reaches the output of a convolution or linear layer": "fisher"}
    ),
    "token ids": Case(tokens, lambda: torch.randint(0, 10, (6, 5)), NO_TOKENS),
    "sparse gradients": Case(lambda: tokens(sparse=True), lambda: torch.randint(0, 10, (6, 5)), NO_TOKENS),
    "checkpoints": Case(
        lambda: Checkpoints(False), images, {"Recomputed values for the following tensors": "gradsign ntk"}
    ),
    "tuple": Case(Auxiliary, images, {}),
    "dictionary": Case(
        Named, images, {"the network returns dict, not a tensor": " ".join(ALL - {"params", "zen", "meco"})}
    ),
    "detached": Case(
        Detached,
        images,
        {
            "the loss does not depend on any trainable weight": "grad_norm snip plain fisher grasp zico gradsign",
            "the output does not depend on any weight": "synflow logsynflow",
            "the outputs do not depend on": "jacov epe_nas ntk",
        },
    ),
    "parametrised": Case(parametrised, images, {}),
    "dropout": Case(lambda: conv(nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5)), images, {}),
    "pixels to pixels": Case(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1)),
        lambda: images(side=16),
        {
            "it needs one whole-number label for each of 6 samples": "epe_nas",
            "no pooling to one position or linear layer ran": "zen",
        },
        torch.arange(6 * 256).view(6, 16, 16) % 3,
    ),
    "transformer layer": Case(
        lambda: nn.Sequential(nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), nn.Flatten(), nn.Linear(30, 3)),
        lambda: torch.randn(6, 5, 6),
        {},
    ),
    "one dimension": Case(
        lambda: nn.Sequential(
            nn.Conv1d(3, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 3)
        ),
        lambda: torch.randn(6, 3, 32),
        {},
    ),
    "three dimensions": Case(
        lambda: nn.Sequential(
            nn.Conv3d(1, 8, 3), nn.BatchNorm3d(8), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 3)
        ),
        lambda: torch.randn(6, 1, 6, 6, 6),
        {},
    ),
    "equal images": Case(
        usual,
        lambda: torch.ones(6, 3, 32, 32),
        {
            "do not tell all samples apart": "nwot",
            "the two halves of the batch have equal gradients": "zico",
            "linearly dependent up to rounding": "ntk",
        },
    ),
    "not a number": Case(
        mlp,
        lambda: torch.full((6, 6), math.nan),
        {
            **NO_MAP,
            "the outputs of the network hold NaN or infinity": "grad_norm snip plain fisher grasp jacov epe_nas nwot swap "
            "swap_reg zico gradsign ntk linear_regions",
        },
    ),
    "without weights": Case(
        nn.ReLU,
        lambda: torch.randn(6, 30),
        {
            **NO_MAP,
            **FROZEN,
            "the network uses no weight of two or more dimensions": "l2_norm",
            "the output does not depend on any weight": "synflow logsynflow",
            "no pooling to one position or linear layer ran": "zen",
            "the output of this network depends on 0": "expressivity progressivity",
            "no block of the network has an output that depends on the feature before": "trainability",
        },
    ),
    "wrong shape": Case(usual, lambda: torch.randn(6, 5, 8, 8), {"expected input": EVERYTHING_BUT_PARAMS}),
    "lazy": Case(lambda: nn.LazyLinear(3), lambda: torch.randn(6, 5), {"lazy parameters": " ".join(ALL)}),
}
TOLD_BY_TORCH = {
    "wrong shape": "RuntimeError: Given groups",
    "one sample without positions in batch norm": "ValueError: Expected more than 1 value",
    "checkpoints": "CheckpointError: torch.utils.checkpoint: ",
}


def scores_of(net: nn.Module, inputs: torch.Tensor, targets: torch.Tensor = LABELS) -> zerocost.Scores:
    return zerocost.score(net, inputs, targets, proxies=tuple(zerocost.PROXIES), options=OPTIONS)


def test_every_proxy_is_in_the_table() -> None:
    assert set(zerocost.PROXIES) == ALL
    for name, case in CASES.items():
        told = " ".join(case.without.values()).split()
        assert len(told) == len(set(told)), name
        assert set(told) <= ALL, name


@pytest.mark.parametrize("name", CASES)
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


def test_checkpoints_change_nothing_or_are_refused() -> None:
    net, inputs = Checkpoints(False), images()
    names = ("grad_norm", "snip", "plain", "fisher", "grasp", "synflow", "jacov", "nwot", "swap", "zico")
    within = zerocost.score(net, inputs, LABELS, proxies=names).values_by_name
    assert within == zerocost.score(net.net, inputs, LABELS, proxies=names).values_by_name
    net.reentrant = True
    scores = zerocost.score(net, inputs, LABELS, proxies=("grad_norm", "fisher", "jacov", "nwot"))
    assert "make them with use_reentrant=False" in str(scores["grad_norm"].reason)
    assert "make them with use_reentrant=False" in str(scores["fisher"].reason)
    assert "use_reentrant=False" in str(scores["jacov"].reason)
    assert scores["nwot"].value is not None


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
