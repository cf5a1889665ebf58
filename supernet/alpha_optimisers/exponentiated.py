"""Exponentiated gradient steps on the simplex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.alpha_optimisers.base import AlphaOptimiser
from supernet.part import Composition, Running
from supernet.relaxations import Simplex
from supernet.relaxations.base import masked_shares, masked_softmax
from supernet.weightings import NodeSimplex
from supernet.weightings.node_softmax import entering


@dataclass
class ExponentiatedGradient(AlphaOptimiser):
    """``theta <- theta * exp(-lr * gradient)``, divided by its sum (GAEA, Li et al., ICLR 2021).

    There is one simplex for each edge, and with :class:`supernet.weightings.NodeSimplex` also one for each node, over
    the edges that enter it. This is mirror descent: a step of plain gradient descent on the logits of a softmax, along
    ``d loss / d theta``. Entries that are no longer in a mixture do not move, and the others keep their sum.
    Deviations: the released code cuts off at the floor before it divides by the sum, and has no floor for edges.

    Args:
        lr: Step length in the logits.
        floor: Least weight before the last division.
    """

    lr: float = 0.1
    floor: float = 1e-5
    keeps_simplex = True

    def describe(self) -> str:
        return f"exponentiated gradient {self.lr:g}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if not isinstance(method.relaxation, Simplex):
            return f"exponentiated gradients move weights on the simplex, not the parameters of {method.relaxation.describe()}"
        if method.weighting is not None and not isinstance(method.weighting, NodeSimplex):
            return (
                f"exponentiated gradients move edge weights on the simplex, not those of {method.weighting.describe()}"
            )
        return None

    @torch.no_grad()
    def step(self, search: Running, gradients: Mapping[str, Tensor]) -> None:
        for name, parameter in search.parameters.items():
            movable = search.movable(name)
            free = torch.ones_like(parameter, dtype=torch.bool) if movable is None else movable
            if name in search.alphas:
                free = free & search.states.allowed[name].to(parameter.device)
                moved = self._moved(parameter, gradients[name], free)
            else:
                nodes = entering(search.space.topology(name.removeprefix("edges."))).to(parameter.device)
                # (edges,) spread over a row for each node; every edge enters one node, so the sum over rows puts it
                # back.
                moved = self._moved(parameter.expand(nodes.shape), gradients[name], nodes & free).sum(dim=0)
            parameter.copy_(torch.where(free, moved, parameter))

    def _moved(self, values: Tensor, gradients: Tensor, free: Tensor) -> Tensor:
        """Rows of ``values`` after a step; the free entries of a row keep their sum, all others are zeros."""
        # A weight of 0 has logit -inf and could never grow again.
        logits = values.clamp_min(self.floor).log() - self.lr * gradients
        shares = masked_shares(masked_softmax(logits, free).clamp_min(self.floor), free)
        return shares * values.masked_fill(~free, 0.0).sum(dim=1, keepdim=True)
