"""The two levels of a search as a problem for :mod:`supernet.updates.hypergradient`, and the update that applies its
result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from supernet.data import Batch
from supernet.mix import Mix
from supernet.part import Running
from supernet.updates.base import Losses, Update, observe, weight_step
from supernet.updates.hypergradient import Bilevel, Hypergradient


@dataclass
class OuterPass:
    """The mix of the pass over the validation batch and the gradients of its weights, kept for the observers."""

    mix: Mix | None = None
    theta_gradients: dict[str, Tensor] = field(default_factory=dict)
    _handles: list[RemovableHandle] = field(default_factory=list)

    def watch(self, mix: Mix) -> None:
        """Keep the gradients to the theta of ``mix`` when they are computed."""
        self.mix = mix
        for kind, theta in mix.theta.items():
            if theta.requires_grad:
                self._handles.append(theta.register_hook(partial(self._keep, kind)))

    def release(self) -> None:
        """Remove the hooks: with some relaxations theta is the parameter itself, which outlives the pass."""
        for handle in self._handles:
            handle.remove()

    def _keep(self, kind: str, gradient: Tensor) -> None:
        # Where theta is the parameter itself, later passes call the hook again: the first gradient is that of the outer pass.
        self.theta_gradients.setdefault(kind, gradient.detach())


def search_weights(search: Running) -> list[Tensor]:
    """The weights that are trained, in the order of the optimiser."""
    return [parameter for group in search.optimiser.param_groups for parameter in group["params"]]


def problem_of(search: Running, train: Batch, validation: Batch) -> tuple[Bilevel, OuterPass]:
    """Losses of two batches as functions of the search's weights and architecture parameters.

    All passes are of the phase ``alphas`` and share one random draw, so that finite differences compare the same
    network. They run in full precision, since differences of bfloat16 passes would be rounding noise.

    Args:
        search: The search whose network runs.
        train: Batch of the inner loss.
        validation: Batch of the outer loss.

    Returns:
        The problem, and the record of its validation pass, to be released after use.
    """
    draw, outer = search.draw(), OuterPass()

    def passed(batch: Batch, look: Callable[[Mix], None] | None = None) -> Tensor:
        # A new mix each time: the leaves may have moved, and each pass needs a graph of its own.
        mix = search.mix("alphas", draw=draw)
        if look is not None:
            look(mix)
        inputs, targets = batch
        with torch.autocast(search.device.type, enabled=False):
            return search.loss(search.net(inputs, mix), targets)

    problem = Bilevel(
        search_weights(search),
        list(search.parameters.values()),
        train=lambda: passed(train),
        validation=lambda: passed(validation, outer.watch),
    )
    return problem, outer


class BilevelUpdate(Update):
    """An alpha step along a hypergradient, then a weight step.

    Observers see the gradients of the validation loss with the weights held, at the weights where the rule takes them.
    The passes of the alpha step leave no trace in the running statistics of batch norms.
    """

    def hypergradient(self, search: Running, problem: Bilevel) -> Hypergradient:
        """The hypergradient that the alphas follow; subclasses differ in this alone."""
        raise NotImplementedError

    def step(self, search: Running, train: Batch, validation: Batch | None) -> Losses:
        loss = None if validation is None else self.alphas(search, train, validation)
        losses = weight_step(search, train)
        losses.alphas = loss
        return losses

    def alphas(self, search: Running, train: Batch, validation: Batch) -> Tensor:
        """Make the alpha step.

        Args:
            search: The search whose alphas are moved.
            train: Batch of the inner loss.
            validation: Batch of the outer loss.

        Returns:
            The validation loss (scalar, detached).
        """
        search.net.train()
        problem, outer = problem_of(search, train, validation)
        # A rule runs the same batches several times; running statistics would count them as often.
        with search.net.kept_buffers():
            try:
                found = self.hypergradient(search, problem)
            finally:
                outer.release()
        assert outer.mix is not None
        seen = {
            kind: outer.theta_gradients.get(kind, torch.zeros_like(theta)) for kind, theta in outer.mix.theta.items()
        }
        observe(search, found.loss, outer.mix, seen, dict(zip(search.parameters, found.direct, strict=True)))
        search.step_alphas(dict(zip(search.parameters, found.total, strict=True)))
        return found.loss
