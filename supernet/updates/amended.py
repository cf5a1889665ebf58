"""The amended estimate of the implicit hypergradient."""

from __future__ import annotations

from dataclasses import dataclass

from supernet.part import Running
from supernet.updates.bilevel import BilevelUpdate
from supernet.updates.hypergradient import Bilevel, Hypergradient, amended


@dataclass(frozen=True)
class Amended(BilevelUpdate):
    """``eta H`` in place of the inverse Hessian, by finite differences (Bi et al., arXiv 1910.11831). Six passes an
    alpha step.

    Args:
        eta: Factor of the Hessian.
        exact: Products by double differentiation instead of finite differences.
    """

    eta: float = 0.1
    exact: bool = False

    def describe(self) -> str:
        return f"amended (eta {self.eta:g})"

    def hypergradient(self, search: Running, problem: Bilevel) -> Hypergradient:
        return amended(problem, self.eta, exact=self.exact)
