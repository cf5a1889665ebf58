"""A softmax over operations some of which are dropped in every pass."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Relaxed
from supernet.mix import Moment
from supernet.part import AlphaGradients, Composition, Running
from supernet.relaxations.base import Relaxation, masked_softmax

PARAMETER_FREE = ("none", "skip_connect", "avg_pool_3x3", "max_pool_3x3", "noise")


@dataclass
class OperationDropout(Relaxation):
    """Softmax over the operations of an edge that are kept; the others do not run (DropNAS, Hong et al., IJCAI 2020).

    The operations of an edge form two groups: those without learnable parameters and the others. In every pass each
    operation is dropped with ``probability``, and a group that lost all of its operations is drawn again. Masks are
    shared by all cells of a kind. After an architecture step the alphas of the kept operations of an edge are shifted
    together, so that their total probability is what it was before the step. Deviation: parameters of dropped
    operations have no gradient and neither decay nor move; in the released code momentum moves them.

    Args:
        probability: Chance that an operation is dropped, in [0, 1); default 3e-5 to the power of 1/4, published for
            groups of four.
        parameter_free: Names of the first group.
    """

    probability: float = 3e-5**0.25
    parameter_free: tuple[str, ...] = PARAMETER_FREE
    _groups: dict[str, tuple[Tensor, ...]] = field(default_factory=dict, repr=False, compare=False)
    _kept: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)
    _before: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def describe(self) -> str:
        return f"softmax with operation dropout {self.probability:.3g}"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if 0 <= self.probability < 1:
            return None
        return f"operations are dropped with a probability from 0 to below 1, not {self.probability:g}"

    def begin(self, search: Running) -> None:
        width = search.space.width
        for kind, edges in search.space.candidates.items():
            free = torch.zeros(len(edges), width, dtype=torch.bool)
            for edge, names in enumerate(edges):
                free[edge, : len(names)] = torch.tensor([name in self.parameter_free for name in names])
            self._groups[kind] = (free, ~free)

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        kept = self._draw(allowed.cpu(), self._groups[moment.kind], generator)
        return masked_softmax(alphas, kept.to(alphas.device))

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        return masked_softmax(alphas, allowed)

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor | None:
        return theta.detach() > 0 if self.probability else None

    def _draw(self, allowed: Tensor, groups: tuple[Tensor, ...], generator: torch.Generator) -> Tensor:
        """(edges, operations) bool: which allowed operations are kept, at least one of every group that has any."""
        kept = torch.zeros_like(allowed)
        for group in groups:
            members = allowed & group
            waiting = members.any(dim=1)
            while bool(waiting.any()):
                drawn = members & (torch.rand(members.shape, generator=generator) >= self.probability)
                # Only rows without a survivor take part in another round; the others keep their first draw.
                kept |= drawn & waiting[:, None]
                waiting = waiting & ~drawn.any(dim=1)
        return kept

    def alpha_gradients(self, search: Running, gradients: AlphaGradients) -> None:
        # A softmax weight is 0 only where the operation did not run.
        self._kept = {kind: theta > 0 for kind, theta in gradients.theta.items()}
        self._before = {kind: alphas.detach().clone() for kind, alphas in search.alphas.items()}

    @torch.no_grad()
    def after_alpha_step(self, search: Running) -> None:
        for kind, kept in self._kept.items():
            alphas, allowed = search.alphas[kind], search.states.allowed[kind].to(kept.device)
            movable = search.movable(kind)
            kept = kept & allowed if movable is None else kept & movable
            dropped = allowed & ~kept
            split = kept.any(dim=1) & dropped.any(dim=1)
            # The softmax depends on differences of alphas only: restoring the log-odds of kept against dropped restores
            # the total probability of the kept ones, and leaves their order to the step.
            shift = _odds(self._before[kind], kept, dropped) - _odds(alphas, kept, dropped)
            alphas.add_(torch.where(kept & split[:, None], shift[:, None], 0.0))
        self._kept, self._before = {}, {}


def _odds(alphas: Tensor, kept: Tensor, dropped: Tensor) -> Tensor:
    """(edges,) log of the summed ``exp(alpha)`` of the kept operations over that of the dropped ones."""
    first, second = (torch.logsumexp(alphas.masked_fill(~mask, -torch.inf), dim=1) for mask in (kept, dropped))
    return first - second
