"""Kinds of networks, and which proxies have no value on them and why."""

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

from ranknosh.spaces.base import Architecture
from ranknosh.spaces.nasbench201 import NasBench201
from tests.networks import network_of

# fmt: off
ALL = frozenset([
    "params", "macs", "l2_norm", "grad_norm", "snip", "plain", "fisher", "grasp", "synflow", "logsynflow", "jacov", "epe_nas",
    "nwot", "swap", "swap_reg", "zen", "zico", "meco", "gradsign", "ntk", "linear_regions",
    "expressivity", "progressivity", "trainability",
])
# fmt: on
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


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
    return network_of(Architecture("nasbench201", code), channels=8, cells=1, outputs=3)


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
    def __init__(self, wrap: Any = lambda out: {"out": out}) -> None:
        super().__init__()
        self.wrap = wrap

    def forward(self, x: torch.Tensor) -> Any:
        return self.wrap(self.net(x))


class Detached(Auxiliary):
    def forward(self, x: torch.Tensor) -> Any:
        return self.net(x).detach()


def parametrised() -> nn.Module:
    return nn.Sequential(
        weight_norm(nn.Conv2d(3, 8, 3)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), weight_norm(nn.Linear(8, 3))
    )


class Checkpoints(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.reentrant = net, False

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
    "checkpoints": Case(lambda: Checkpoints(usual()), images, {"turn checkpoints off to score it": "gradsign ntk"}),
    "tuple": Case(Auxiliary, images, {}),
    "dictionary": Case(Named, images, {}),
    "text": Case(
        lambda: Named(lambda out: "x"),
        images,
        {
            "the network returns str, not a tensor": " ".join(
                ALL - {"params", "zen", "meco", "macs", "nwot", "swap", "swap_reg", "l2_norm"}
            )
        },
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
