"""Connection sensitivity: how strongly the output of an untrained supernet depends on each architecture parameter."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ranknosh.streams import torch_seed
from supernet.network import NORMS, Supernet
from supernet.objective import floats_as
from supernet.part import Running
from supernet.relaxations.base import Relaxation
from supernet.selections.base import Selection

Style = Literal["synflow", "snip"]


@dataclass(frozen=True)
class ConnectionSensitivity(Selection):
    """Scores ``|alpha dR/dalpha|``, higher is better, mean over ``draws`` of the alphas, the scores of each draw scaled
    to sum 1.

    FreeDARTS (Zhang & Jia, arXiv 2106.11542, and released code). ``synflow``: R is the sum of the outputs of one input
    of ones, with the absolute values of all weights and alphas, so neither inputs nor targets matter. ``snip``: R is the
    loss of a batch of the weights' half. Everything is computed in float64 on a copy. The first draw is the
    search's own alphas.

    Deviations: one draw is published, and with a single one the random sizes of the alphas decide much. For ``synflow``
    batch norms are at mean 0 and variance 1, since on an image of ones the image's own statistics cancel most of the
    signal; only weights and alphas are taken absolutely, in the released code buffers are, too.

    Args:
        style: ``synflow`` or ``snip``.
        draws: Draws of the alphas that are averaged; 1 as published.
        compat: For ``synflow``, batch norms on the statistics of the image, as in the released code.
    """

    style: Style = "synflow"
    draws: int = 8
    compat: bool = False

    def describe(self) -> str:
        return f"connection sensitivity ({self.style}, {self.draws} draws)"

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        # A copy, because weights are replaced by their absolute values.
        net = copy.deepcopy(search.net).double()
        if self.style == "synflow":
            linearise(net, batch_statistics=self.compat)
        totals = {kind: torch.zeros_like(alphas, dtype=torch.float64) for kind, alphas in search.alphas.items()}
        for draw in range(self.draws):
            found = sensitivities(search, net, self._alphas(search, draw), self.style)
            whole = sum(float(score.sum()) for score in found.values())
            for kind, score in found.items():
                if whole > 0:
                    totals[kind] += score / whole / self.draws
        return totals

    def _alphas(self, search: Running, draw: int) -> dict[str, Tensor]:
        own = {name: parameter.detach().double() for name, parameter in search.parameters.items()}
        if draw == 0:
            return own
        generator = torch.Generator().manual_seed(torch_seed(search.seed, "sensitivity", draw))
        relaxation = search.method.relaxation
        assert isinstance(relaxation, Relaxation)
        for kind, alphas in search.alphas.items():
            edges, operations = alphas.shape
            drawn = relaxation.initial(edges, operations, generator)
            own[kind] = drawn.to(alphas.device, torch.float64)
        return own


def linearise(net: nn.Module, *, batch_statistics: bool = False) -> None:
    """Replace weights by their absolute values, and set batch norms to mean 0 and variance 1, or to the statistics of
    the batch."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    net.train(batch_statistics)
    if batch_statistics:
        return
    for module in net.modules():
        if isinstance(module, NORMS):
            some = next(net.parameters())
            module.track_running_stats = True
            module.running_mean = some.new_zeros(module.num_features)
            module.running_var = some.new_ones(module.num_features)


def sensitivities(search: Running, net: Supernet, parameters: Mapping[str, Tensor], style: Style) -> dict[str, Tensor]:
    """``|alpha dR/dalpha|`` of one draw of the alphas.

    Args:
        search: Gives the mix, the shape of inputs, and the batch of ``snip``.
        net: A float64 copy of its network, linearised for ``synflow``.
        parameters: float64 values by name.
        style: ``synflow`` or ``snip``.

    Returns:
        (edges, operations) per kind, at least 0; higher is better.
    """
    leaves = {}
    for name, values in parameters.items():
        signed = values.detach().abs() if style == "synflow" else values.detach().clone()
        leaves[name] = signed.requires_grad_(name in search.space.kinds)
    mix = search.mix("evaluation", parameters=leaves)
    kinds = list(search.space.kinds)
    inputs, targets = next(iter(search.batches("weights", epoch=0, augment="none")))
    if style == "synflow":
        ones = torch.ones(1, *inputs.shape[1:], dtype=inputs.dtype, device=search.device)
        value = net(floats_as(ones, torch.float64), mix).sum()
    else:
        value = search.loss(net.train()(floats_as(inputs, torch.float64), mix), targets)
    gradients = torch.autograd.grad(value, [leaves[kind] for kind in kinds], allow_unused=True)
    return {
        kind: torch.zeros_like(leaves[kind]) if gradient is None else (leaves[kind] * gradient).detach().abs()
        for kind, gradient in zip(kinds, gradients, strict=True)
    }
