"""Eigenvalues of a symmetric operator of which only products with vectors are at hand."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Apply = Callable[[Tensor], Tensor]
"""(n,) to (n,): the product of a symmetric matrix with a vector."""
_NOTHING = 1e-10


def lanczos(apply: Apply, size: int, steps: int = 20) -> Tensor:
    """Eigenvalues of the operator on a Krylov space of up to ``steps`` dimensions, ascending, float64.

    Orthogonalised against all earlier vectors, twice. The outer ones are the first to be right; with ``steps`` at least the
    number of distinct eigenvalues all are. The start vector is the same always. Fewer values than ``steps`` where the space is
    exhausted before.
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
        for _ in range(2):
            image = image - span.T @ (span @ image)
        norm = image.norm()
        scale = max(float(torch.stack(diagonal).abs().max()), *(float(b) for b in beside), _NOTHING)
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
