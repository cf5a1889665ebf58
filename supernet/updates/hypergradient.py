"""How the validation loss moves with the architecture parameters when the weights answer to them.

With ``v = dL_val/dw`` every rule here is ``dL_val/da - (d2 L_train / da dw) p`` and differs in ``p`` and in where ``v`` is
taken. The code knows tensors and losses only, no supernet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

Tensors = Sequence[Tensor]
STEP = 0.01
"""Length of the way that weights are moved to either side for a finite difference (Liu et al., ICLR 2019, sec. 2.3)."""


@dataclass(frozen=True)
class Bilevel:
    """Two losses over the same leaves. ``train()``, ``validation()``: losses (of no shape) at the present values.

    Each call makes a graph of its own, with the same random choices every time.
    """

    weights: Tensors
    alphas: Tensors
    train: Callable[[], Tensor]
    validation: Callable[[], Tensor]


@dataclass(frozen=True)
class Hypergradient:
    """``loss``: of validation. ``direct``: its gradients to the alphas with the weights held; ``total``: with their answer."""

    loss: Tensor
    direct: list[Tensor]
    total: list[Tensor]


def unrolled(
    problem: Bilevel, lr: float, *, inertia: Tensors | None = None, weight_decay: float = 0.0
) -> Hypergradient:
    """Through one step of SGD: ``p = lr v`` with v behind the step (Liu et al., ICLR 2019, eq. 6 to 8).

    ``inertia``: momentum times the momentum buffers, one for each weight; the step is
    ``w - lr (inertia + dL_train/dw + weight_decay w)``, as in the released code: no clipping, no look-ahead of Nesterov's.
    Weights are put back to their very bits.
    """
    step = gradients(problem.train(), problem.weights)
    with torch.no_grad():
        if weight_decay:
            step = [s + weight_decay * w for s, w in zip(step, problem.weights, strict=True)]
        if inertia is not None:
            step = [s + b for s, b in zip(step, inertia, strict=True)]
    with moved(problem.weights, step, -lr):
        loss, direct, v = outer_gradients(problem)
    return _answered(loss, direct, mixed_product(problem, v), lr)


def neumann(
    problem: Bilevel, gamma: float, terms: int, *, weight_decay: float = 0.0, exact_mixed: bool = True
) -> Hypergradient:
    """Implicit: ``p = gamma sum_{k=0..terms} (I - gamma H)^k v``, a cut series of ``H^-1 v`` (iDARTS, Zhang et al., ICML 2021).

    ``H``: Hessian of ``L_train + weight_decay / 2 |w|^2`` to the weights; products with it are exact. The series converges for
    ``gamma`` below 2 over H's largest eigenvalue where H is positive definite. ``exact_mixed``: the mixed product by the same
    graph, or else by finite differences. Deviation: the released code puts a diagonal in place of H.
    """
    loss, direct, v = outer_gradients(problem)
    slope = gradients(problem.train(), problem.weights, graph=True)
    term, total = v, v
    for _ in range(terms):
        curved = gradients(slope, problem.weights, vectors=term, keep=True)
        term = [t - gamma * (c + weight_decay * t) for t, c in zip(term, curved, strict=True)]
        total = [a + b for a, b in zip(total, term, strict=True)]
    if exact_mixed:
        mixed = gradients(slope, problem.alphas, vectors=total)
    else:
        del slope
        mixed = mixed_product(problem, total)
    return _answered(loss, direct, mixed, gamma)


def amended(problem: Bilevel, eta: float, *, exact: bool = False) -> Hypergradient:
    """``p = eta H v``, which cannot point against the true answer (Amended DARTS, Bi et al., arXiv 1910.11831).

    ``exact``: both products by double differentiation instead of finite differences.
    """
    loss, direct, v = outer_gradients(problem)
    curved = hessian_product(problem, v, exact=exact)
    return _answered(loss, direct, mixed_product(problem, curved, exact=exact), eta)


def outer_gradients(problem: Bilevel, *, weights: bool = True) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The validation loss and its gradients to the alphas and, where they are wanted, to the ``weights``."""
    loss = problem.validation()
    found = gradients(loss, [*problem.alphas, *(problem.weights if weights else ())])
    count = len(problem.alphas)
    return loss.detach(), found[:count], found[count:]


def mixed_product(problem: Bilevel, vectors: Tensors, *, exact: bool = False) -> list[Tensor]:
    """``(d2 L_train / da dw) v``, shaped as the alphas; by central differences of ``STEP`` along v unless ``exact``."""
    if exact:
        return gradients(gradients(problem.train(), problem.weights, graph=True), problem.alphas, vectors=vectors)
    return _difference(problem, vectors, problem.alphas)


def hessian_product(problem: Bilevel, vectors: Tensors, *, exact: bool = False) -> list[Tensor]:
    """``(d2 L_train / dw2) v``, shaped as the weights."""
    if exact:
        return gradients(gradients(problem.train(), problem.weights, graph=True), problem.weights, vectors=vectors)
    return _difference(problem, vectors, problem.weights)


def _difference(problem: Bilevel, vectors: Tensors, of: Tensors) -> list[Tensor]:
    norm = float(torch.stack([v.double().square().sum() for v in vectors]).sum().sqrt())
    if norm == 0.0:
        return [torch.zeros_like(tensor) for tensor in of]
    step = STEP / norm
    sides = []
    for sign in (1.0, -1.0):
        with moved(problem.weights, vectors, sign * step):
            sides.append(gradients(problem.train(), of))
    return [(above - below) / (2 * step) for above, below in zip(*sides, strict=True)]


def _answered(loss: Tensor, direct: list[Tensor], mixed: Tensors, factor: float) -> Hypergradient:
    return Hypergradient(loss, direct, [d - factor * m for d, m in zip(direct, mixed, strict=True)])


def gradients(
    of: Tensor | Tensors, to: Tensors, *, vectors: Tensors | None = None, graph: bool = False, keep: bool = False
) -> list[Tensor]:
    """Gradients, zeros where nothing depends. ``vectors``: one for each of ``of``, which is then differentiated along them.

    ``graph``: the result can be differentiated again. ``keep``: so can ``of``.
    """
    outputs = [of] if isinstance(of, Tensor) else list(of)
    along = None if vectors is None else list(vectors)
    if along is not None:
        # What does not depend on anything has no graph, and no share in the product.
        pairs = [(o, v) for o, v in zip(outputs, along, strict=True) if o.requires_grad]
        if not pairs:
            return [torch.zeros_like(tensor) for tensor in to]
        outputs, along = [o for o, _ in pairs], [v for _, v in pairs]
    return list(
        torch.autograd.grad(
            outputs,
            list(to),
            grad_outputs=along,
            create_graph=graph,
            retain_graph=graph or keep,
            allow_unused=True,
            materialize_grads=True,
        )
    )


@contextmanager
def moved(tensors: Tensors, directions: Tensors, factor: float) -> Iterator[None]:
    """The leaves at ``tensor + factor * direction``, and back at their very bits afterwards, errors included."""
    before = [tensor.detach().clone() for tensor in tensors]
    try:
        with torch.no_grad():
            torch._foreach_add_(list(tensors), list(directions), alpha=factor)
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(tensors), before)
