"""Differentiable supernets written down plainly, operation by operation: what `benchmarks.supernet_step` measures against.

Every edge holds all its operations as modules of their own, each with its own ReLU or pooling, and gives
``sum_k theta_k op_k(x)``; nodes are sums over edges. NAS-Bench-201: Dong & Yang, ICLR 2020, section 3. DARTS: Liu et al., ICLR
2019, section 2 and appendix A.1. Single paths: Dong & Yang, CVPR 2019, equations 3 to 7. Batch norms inside cells have no
parameters, as in those searches. Images are (n, in_channels, h, w) with h and w divisible by 4; logits are (n, classes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Execution = Literal["softmax", "gumbel_dense", "gumbel_single"]
"""The weights of an edge: softmax; or one-hot Gumbel samples, multiplied in or deciding which operation runs at all."""

NASBENCH201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
DARTS = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)
CLIP = 5.0


class Size(NamedTuple):
    """Channels of the first cells, cells (of a stage, or of DARTS in all), classes, and channels of the images."""

    channels: int
    cells: int
    classes: int
    in_channels: int = 3


class Zero(nn.Module):
    """``none``: the input times 0, of the size the other operations give."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0


class FactorizedReduce(nn.Module):
    """Half the size: two pointwise convolutions of stride 2 on pixels one apart, side by side."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.second = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(c_out, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        out: Tensor = self.bn(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], dim=1))
        return out


def relu_conv_bn(c_in: int, c_out: int, kernel: int, stride: int = 1, *, affine: bool = False) -> nn.Sequential:
    convolution = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(c_out, affine=affine))


def depthwise_separable(channels: int, kernel: int, stride: int, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=False),
    ]


def pool(kind: str, stride: int) -> nn.Module:
    if kind == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)


def operation_of_nasbench201(name: str, channels: int, stride: int) -> nn.Module:
    if name == "none":
        return Zero(stride)
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return pool(name, stride)
    return relu_conv_bn(channels, channels, 1 if name == "nor_conv_1x1" else 3, stride)


def operation_of_darts(name: str, channels: int, stride: int) -> nn.Module:
    if name == "none":
        return Zero(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    if name.endswith("pool_3x3"):
        return nn.Sequential(pool(name, stride), nn.BatchNorm2d(channels, affine=False))
    kernel = int(name[-1])
    if name.startswith("dil"):
        return nn.Sequential(*depthwise_separable(channels, kernel, stride, dilation=2))
    twice = depthwise_separable(channels, kernel, stride) + depthwise_separable(channels, kernel, 1)
    return nn.Sequential(*twice)


class MixedOp(nn.Module):
    """All operations of an edge."""

    def __init__(self, operations: dict[str, nn.Module]) -> None:
        super().__init__()
        self.operations = nn.ModuleDict(operations)

    def forward(self, x: Tensor, weights: Tensor, chosen: int | None) -> Tensor:
        """``weights``: (operations,). With ``chosen`` only that operation runs; the other weights, all 0, are added bare."""
        if chosen is None:
            terms = [weight * operation(x) for weight, operation in zip(weights, self.operations.values(), strict=True)]
        else:
            runs = list(self.operations.values())[chosen]
            terms = [weight * runs(x) if place == chosen else weight for place, weight in enumerate(weights)]
        total: Tensor = sum(terms[1:], terms[0])
        return total


class Cell(nn.Module):
    """Nodes in order, each the sum of an edge from every node before it. One input and one output, or DARTS's two and four."""

    def __init__(
        self,
        kind: str,
        preprocess: Sequence[nn.Module],
        nodes: int,
        make: Callable[[str, int], nn.Module],
        names: Sequence[str],
    ) -> None:
        super().__init__()
        self.kind, self.inputs, self.nodes = kind, len(preprocess), nodes
        self.preprocess = nn.ModuleList(preprocess)
        self.edges = nn.ModuleDict()
        for target in range(self.inputs, nodes):
            for source in range(target):
                stride = 2 if kind == "reduce" and source < self.inputs else 1
                self.edges[str(len(self.edges))] = MixedOp({name: make(name, stride) for name in names})

    def forward(self, states: Sequence[Tensor], weights: Tensor, chosen: Sequence[int | None]) -> Tensor:
        values = [before(state) for before, state in zip(self.preprocess, states, strict=True)]
        slot = 0
        for target in range(self.inputs, self.nodes):
            arriving = []
            for source in range(target):
                arriving.append(self.edges[str(slot)](values[source], weights[slot], chosen[slot]))
                slot += 1
            values.append(sum(arriving[1:], arriving[0]))
        return values[-1] if self.inputs == 1 else torch.cat(values[self.inputs :], dim=1)


class Reduction(nn.Module):
    """The fixed residual block of NAS-Bench-201 between two stages."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            relu_conv_bn(c_in, c_out, 3, stride=2, affine=True), relu_conv_bn(c_out, c_out, 3, affine=True)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, stride=2), nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(x) + self.shortcut(x)
        return out


class Supernet(nn.Module):
    """Stem, cells and head around one table of architecture parameters a kind of cell, which ``alphas`` holds.

    ``alphas[kind]``: (edges, operations), drawn from N(0, 1e-6). ``execution`` may be changed between passes.
    """

    def __init__(self, stem: int, blocks: Sequence[nn.Module], head: nn.Module, features: int, size: Size) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(size.in_channels, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.classifier = nn.Linear(features, size.classes)
        self.execution: Execution = "softmax"
        self.temperature = 1.0
        cells = {block.kind: block for block in blocks if isinstance(block, Cell)}
        self.alphas = nn.ParameterDict(
            {
                kind: nn.Parameter(1e-3 * torch.randn(len(cell.edges), len(cell.edges["0"].operations)))
                for kind, cell in sorted(cells.items())
            }
        )

    def mixing(self, noise: dict[str, Tensor] | None = None) -> dict[str, tuple[Tensor, list[int | None]]]:
        """Per kind of cell: the weights of all edges and which operations run (None: all).

        ``noise[kind]``: (edges, operations) Gumbel variables; drawn from torch's generator where it is left out.
        """
        made: dict[str, tuple[Tensor, list[int | None]]] = {}
        for kind, alpha in self.alphas.items():
            if self.execution == "softmax":
                made[kind] = torch.softmax(alpha, dim=-1), [None] * len(alpha)
                continue
            gumbel = -torch.empty_like(alpha).exponential_().log() if noise is None else noise[kind]
            soft = torch.softmax((F.log_softmax(alpha, dim=-1) + gumbel) / self.temperature, dim=-1)
            best = soft.argmax(dim=-1)
            hard = F.one_hot(best, alpha.shape[1]).to(soft) - soft.detach() + soft
            made[kind] = hard, best.tolist() if self.execution == "gumbel_single" else [None] * len(alpha)
        return made

    def forward(self, images: Tensor, noise: dict[str, Tensor] | None = None) -> Tensor:
        mixing = self.mixing(noise)
        before = last = self.stem(images)
        for block in self.blocks:
            if isinstance(block, Cell):
                states = (last,) if block.inputs == 1 else (before, last)
                before, last = last, block(states, *mixing[block.kind])
            else:
                before, last = last, block(last)
        logits: Tensor = self.classifier(self.head(last).mean(dim=(2, 3)))
        return logits

    def weights(self) -> list[nn.Parameter]:
        """The parameters that are not architecture parameters."""
        return [parameter for name, parameter in self.named_parameters() if not name.startswith("alphas.")]


def nasbench201(size: Size) -> Supernet:
    """Three stages of ``size.cells`` cells with one table of (6, 5) architecture parameters."""
    blocks: list[nn.Module] = []
    for stage in range(3):
        channels = size.channels * 2**stage
        blocks += [Reduction(channels // 2, channels)] if stage else []
        for _ in range(size.cells):
            blocks.append(
                Cell(
                    "normal",
                    [nn.Identity()],
                    4,
                    lambda name, stride, width=channels: operation_of_nasbench201(name, width, stride),
                    NASBENCH201,
                )
            )
    last = 4 * size.channels
    return Supernet(size.channels, blocks, nn.Sequential(nn.BatchNorm2d(last), nn.ReLU()), last, size)


def darts(size: Size, steps: int = 4) -> Supernet:
    """``size.cells`` cells in all, reductions at one and two thirds, with two tables of (14, 8) for 4 ``steps``."""
    blocks: list[nn.Module] = []
    c_before = c_last = 3 * size.channels
    channels, reduced = size.channels, False
    for index in range(size.cells):
        kind = "reduce" if index in (size.cells // 3, 2 * size.cells // 3) else "normal"
        channels *= 2 if kind == "reduce" else 1
        preprocess = [
            FactorizedReduce(c_before, channels) if reduced else relu_conv_bn(c_before, channels, 1),
            relu_conv_bn(c_last, channels, 1),
        ]
        blocks.append(
            Cell(
                kind,
                preprocess,
                2 + steps,
                lambda name, stride, width=channels: operation_of_darts(name, width, stride),
                DARTS,
            )
        )
        c_before, c_last, reduced = c_last, steps * channels, kind == "reduce"
    return Supernet(3 * size.channels, blocks, nn.Identity(), c_last, size)


Batch = tuple[Tensor, Tensor]


def first_order_step(
    net: Supernet,
    train: Batch,
    valid: Batch,
    weight_optimizer: torch.optim.Optimizer | None = None,
    alpha_optimizer: torch.optim.Optimizer | None = None,
    noise: dict[str, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """One alternation as published (Liu et al. 2019, algorithm 1 with xi = 0): alphas on ``valid``, then weights on ``train``.

    Both backward passes run to every parameter. Without optimisers the gradients are made and nothing moves. ``noise`` as in
    :meth:`Supernet.mixing`. Gives both losses.
    """
    weights = net.weights()
    for alpha in net.alphas.values():
        alpha.grad = None
    valid_loss = F.cross_entropy(net(valid[0], noise), valid[1])
    valid_loss.backward()
    if alpha_optimizer is not None:
        alpha_optimizer.step()
    for weight in weights:
        weight.grad = None
    train_loss = F.cross_entropy(net(train[0], noise), train[1])
    train_loss.backward()
    nn.utils.clip_grad_norm_(weights, CLIP)
    if weight_optimizer is not None:
        weight_optimizer.step()
    return valid_loss.detach(), train_loss.detach()
