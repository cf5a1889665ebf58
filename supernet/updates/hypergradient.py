"""Hypergradients: how the validation loss changes with the architecture parameters when the weights follow them.

With ``v = dL_val/dw`` every rule here has the form ``dL_val/da - (d2 L_train / da dw) p``; the rules differ in ``p``
and in the weights at which ``v`` is taken. The code works on tensors and losses only and knows no supernet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

Tensors = Sequence[Tensor]
STEP = 0.01
"""Euclidean distance by which the weights are moved to either side for a finite difference (Liu et al., ICLR 2019, sec. 2.3)."""


@dataclass(frozen=True)
class Bilevel:
    """Two losses over the same leaf tensors.

    Attributes:
        weights: Leaves of the inner problem.
        alphas: Leaves of the outer problem.
        train: Gives L_train at the present values of the leaves, a scalar with a graph of its own and the same random
            choices at every call.
        validation: Gives L_val in the same way.
    """

    weights: Tensors
    alphas: Tensors
    train: Callable[[], Tensor]
    validation: Callable[[], Tensor]


@dataclass(frozen=True)
class Hypergradient:
    """What a rule found.

    Attributes:
        loss: Validation loss (nats, scalar).
        direct: dL_val/da with the weights held, one tensor for each of the alphas.
        total: The same with the weights' answer, which the alphas descend along.
    """

    loss: Tensor
    direct: list[Tensor]
    total: list[Tensor]


def unrolled(
    problem: Bilevel, lr: float, *, inertia: Tensors | None = None, weight_decay: float = 0.0
) -> Hypergradient:
    """The hypergradient through one step of SGD: ``p = lr v`` with ``v`` at the weights after the step (Liu et al.,
    ICLR 2019, eq. 6 to 8).

    The step is ``w - lr (inertia + dL_train/dw + weight_decay w)``, as in the released code: without clipping and
    without Nesterov's look-ahead. The mixed product is a finite difference around the present weights, which are
    restored bit for bit.

    Args:
        problem: The two losses.
        lr: Length of the step (the paper's xi).
        inertia: Momentum times the momentum buffers, one tensor for each weight; None for a step without momentum.
        weight_decay: Coefficient of the L2 term in the step.

    Returns:
        The hypergradient; ``loss`` and ``direct`` are taken after the step, too.
    """
    step = gradients(problem.train(), problem.weights)
    with torch.no_grad():
        if weight_decay:
            # torch's order: decay joins the gradient before momentum is added.
            step = [s + weight_decay * w for s, w in zip(step, problem.weights, strict=True)]
        if inertia is not None:
            step = [s + b for s, b in zip(step, inertia, strict=True)]
    with moved(problem.weights, step, -lr):
        loss, direct, v = outer_gradients(problem)
    # Outside of the context: the mixed derivative is taken at the weights before the step.
    return _answered(loss, direct, mixed_product(problem, v), lr)


def neumann(
    problem: Bilevel, gamma: float, terms: int, *, weight_decay: float = 0.0, exact_mixed: bool = True
) -> Hypergradient:
    """The implicit hypergradient: ``p = gamma sum_{k=0..terms} (I - gamma H)^k v``, a truncated series of ``H^-1 v``
    (iDARTS, Zhang et al., ICML 2021).

    ``H`` is the Hessian of ``L_train + weight_decay / 2 |w|^2`` to the weights. The series converges where H is
    positive definite and ``gamma`` is below 2 over its largest eigenvalue. Deviation: products with H are exact; the
    released code puts a diagonal matrix in its place.

    Args:
        problem: The two losses.
        gamma: Step length of the series.
        terms: Terms beyond the first, each one Hessian-vector product.
        weight_decay: Coefficient of the L2 term inside H.
        exact_mixed: Take the mixed product from the same graph; False for finite differences.

    Returns:
        The hypergradient at the present weights.
    """
    loss, direct, v = outer_gradients(problem)
    slope = gradients(problem.train(), problem.weights, graph=True)
    term, total = v, v
    for _ in range(terms):
        curved = gradients(slope, problem.weights, vectors=term, keep=True)
        # The next power of (I - gamma H) on v; weight decay adds weight_decay * I to the Hessian.
        term = [t - gamma * (c + weight_decay * t) for t, c in zip(term, curved, strict=True)]
        total = [a + b for a, b in zip(total, term, strict=True)]
    if exact_mixed:
        mixed = gradients(slope, problem.alphas, vectors=total)
    else:
        # Frees the graph of the double differentiation before the passes of the difference.
        del slope
        mixed = mixed_product(problem, total)
    return _answered(loss, direct, mixed, gamma)


def amended(problem: Bilevel, eta: float, *, exact: bool = False) -> Hypergradient:
    """The amended hypergradient: ``p = eta H v``, which cannot point against the true implicit gradient (Amended DARTS,
    Bi et al., arXiv 1910.11831).

    Args:
        problem: The two losses.
        eta: Factor in place of the inverse Hessian.
        exact: Both products by double differentiation instead of finite differences.

    Returns:
        The hypergradient at the present weights.
    """
    loss, direct, v = outer_gradients(problem)
    curved = hessian_product(problem, v, exact=exact)
    return _answered(loss, direct, mixed_product(problem, curved, exact=exact), eta)


def outer_gradients(problem: Bilevel, *, weights: bool = True) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The validation loss (detached) and its gradients to the alphas and to the weights.

    Without ``weights`` the last list is empty.
    """
    loss = problem.validation()
    found = gradients(loss, [*problem.alphas, *(problem.weights if weights else ())])
    count = len(problem.alphas)
    return loss.detach(), found[:count], found[count:]


def mixed_product(problem: Bilevel, vectors: Tensors, *, exact: bool = False) -> list[Tensor]:
    """``(d2 L_train / da dw) v``.

    Args:
        problem: The two losses.
        vectors: v, one tensor for each weight.
        exact: Double differentiation; else a central difference whose points lie ``STEP`` away from the weights along
            v.

    Returns:
        One tensor for each of the alphas.
    """
    if exact:
        return gradients(gradients(problem.train(), problem.weights, graph=True), problem.alphas, vectors=vectors)
    return _difference(problem, vectors, problem.alphas)


def hessian_product(problem: Bilevel, vectors: Tensors, *, exact: bool = False) -> list[Tensor]:
    """``(d2 L_train / dw2) v``.

    Args:
        problem: The two losses.
        vectors: v, one tensor for each weight.
        exact: As in :func:`mixed_product`.

    Returns:
        One tensor for each weight.
    """
    if exact:
        return gradients(gradients(problem.train(), problem.weights, graph=True), problem.weights, vectors=vectors)
    return _difference(problem, vectors, problem.weights)


def _difference(problem: Bilevel, vectors: Tensors, of: Tensors) -> list[Tensor]:
    # The published step: 0.01 divided by the norm of v, so that the weights move by 0.01 whatever v's scale.
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
    """Gradients as a list, zeros where nothing depends.

    Args:
        of: A scalar, or tensors to be differentiated along ``vectors``.
        to: The tensors to differentiate by.
        vectors: One tensor for each of ``of``, shaped like it; None for scalars.
        graph: Keep the result differentiable.
        keep: Keep the graph of ``of`` for another call.

    Returns:
        One tensor for each of ``to``.
    """
    outputs = [of] if isinstance(of, Tensor) else list(of)
    along = None if vectors is None else list(vectors)
    if along is not None:
        # An output that depends on no leaf has no graph, and adds nothing to the product.
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
    """A context in which the leaves are at ``tensor + factor * direction``; they are restored bit for bit, errors
    included.

    Args:
        tensors: Leaves to move in place.
        directions: One tensor for each, shaped like it.
        factor: Length along the directions.
    """
    before = [tensor.detach().clone() for tensor in tensors]
    try:
        with torch.no_grad():
            torch._foreach_add_(list(tensors), list(directions), alpha=factor)
        yield
    finally:
        with torch.no_grad():
            # Copied and not subtracted: (w + d) - d is not w in floating point.
            torch._foreach_copy_(list(tensors), before)
