"""Eigenvalues of a symmetric operator that is known by its products with vectors only."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Apply = Callable[[Tensor], Tensor]
"""(n,) to (n,): the product of a symmetric matrix with a vector."""
_NOTHING = 1e-10


def lanczos(apply: Apply, size: int, steps: int = 20) -> Tensor:
    """Eigenvalues of the operator on a Krylov space.

    Each vector is orthogonalised against all earlier ones, twice. The outermost eigenvalues converge first; with
    ``steps`` at least the number of distinct eigenvalues all are exact up to rounding. The start vector is always the
    same.

    Args:
        apply: The operator: (n,) to (n,), symmetric.
        size: n.
        steps: Most dimensions of the Krylov space.

    Returns:
        Ascending, float64; fewer than ``steps`` where the Krylov space is exhausted before.
    """
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(size, generator=generator, dtype=torch.float64)
    basis = [vector / vector.norm()]
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    for step in range(min(steps, size)):
        image = apply(basis[-1]).double().cpu()
        diagonal.append(basis[-1] @ image)
        span = torch.stack(basis)
        # Twice is enough (to rounding): without it copies of converged eigenvalues appear.
        for _ in range(2):
            image = image - span.T @ (span @ image)
        norm = image.norm()
        scale = max(float(torch.stack(diagonal).abs().max()), *(float(b) for b in beside), _NOTHING)
        # An exhausted space leaves rounding errors and not 0: compared with the largest entry so far.
        if step == min(steps, size) - 1 or float(norm) <= _NOTHING * scale:
            break
        beside.append(norm)
        basis.append(image / norm)
    matrix = torch.diag(torch.stack(diagonal))
    if beside:
        off = torch.stack(beside)
        matrix = matrix + torch.diag(off, 1) + torch.diag(off, -1)
    return torch.linalg.eigvalsh(matrix)


def dense(apply: Apply, size: int) -> Tensor:
    """The operator as a matrix (n, n), float64: one product for each column."""
    identity = torch.eye(size, dtype=torch.float64)
    return torch.stack([apply(column).double().cpu() for column in identity], dim=1)
