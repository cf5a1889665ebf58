"""A network with three kinds of batch norm, and the slow way to hold batch statistics fixed."""

from __future__ import annotations

import copy

import torch
from torch import nn


def frozen_copy(net: nn.Module, inputs: torch.Tensor) -> nn.Module:
    """A copy in evaluation mode whose running statistics are those of ``inputs``: the slow way to hold them fixed."""
    twin = copy.deepcopy(net).train()
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.register_forward_pre_hook(_take_statistics)
    with torch.no_grad():
        twin(inputs.clone())
    return twin.eval()


def _take_statistics(module: nn.Module, args: tuple[torch.Tensor]) -> None:
    if module.training:
        by_channel = args[0].transpose(0, 1).flatten(1)
        mean, square = by_channel.mean(dim=1), by_channel.square().mean(dim=1)
        module.momentum = 0.0  # the batch is normalised as in training, and the running statistics stay those set here
        module.running_mean = mean.clone()
        module.running_var = square - mean.square()


def conv_net() -> nn.Sequential:
    torch.manual_seed(4)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 4, 3),
        nn.BatchNorm2d(4, affine=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.Linear(4, 5),
    ).double()
    nn.init.normal_(net[1].weight)
    nn.init.normal_(net[1].bias)
    return net


def images(count: int = 6) -> torch.Tensor:
    return torch.randn(count, 3, 7, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
