"""Mixed level: the alphas learn from both halves of the training images."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.part import Running
from supernet.updates.bilevel import BilevelUpdate
from supernet.updates.hypergradient import Bilevel, Hypergradient, gradients, outer_gradients


@dataclass(frozen=True)
class MixedLevel(BilevelUpdate):
    """Alphas follow ``d (L_train + weight L_val) / d alpha``, weights ``d L_train / d w`` (MiLeNAS, He et al., CVPR
    2020).

    ``weight`` is the paper's lambda. Observers see the gradients of the validation loss alone.
    """

    weight: float = 1.0

    def describe(self) -> str:
        return f"mixed level (lambda {self.weight:g})"

    def hypergradient(self, search: Running, problem: Bilevel) -> Hypergradient:
        loss, direct, _ = outer_gradients(problem, weights=False)
        train = gradients(problem.train(), problem.alphas)
        return Hypergradient(loss, direct, [t + self.weight * d for t, d in zip(train, direct, strict=True)])
