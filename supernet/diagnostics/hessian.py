"""Curvature of the validation loss along the architecture parameters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import torch
from torch import Tensor

from supernet.diagnostics.lanczos import lanczos
from supernet.part import Running
from supernet.updates.hypergradient import gradients


def hessian_eigenvalue(search: Running, batches: int = 4, *, steps: int = 20) -> float:
    """The largest eigenvalue of the validation loss's Hessian to the alphas, weights held; higher is sharper.

    R-DARTS (Zela et al., ICLR 2020) takes it as a sign of bad generalisation. Where there are at most twice as many
    alphas as ``steps`` the matrix is computed whole, else Lanczos' iteration is run. The pass has mean weights and
    batch norms on the statistics of each batch. A softmax gives every edge an eigenvalue 0, so the result is never
    below 0 there. Deviations: several batches instead of one; the weight decay of the alphas is not included (the
    released code's Hessian has it on its diagonal).

    Args:
        search: The search that is measured.
        batches: The first batches of the alphas' half, without augmentation, the same ones at every call.
        steps: Steps of Lanczos' iteration.
    """
    size = alpha_count(search)
    if size <= 2 * steps:
        return float(torch.linalg.eigvalsh(alpha_hessian(search, batches)).max())
    return float(lanczos(lambda vector: alpha_hessian_product(search, vector, batches), size, steps).max())


def alpha_count(search: Running) -> int:
    """Entries of all alphas together: the size of the Hessian."""
    return sum(alphas.numel() for alphas in search.alphas.values())


def alpha_hessian(search: Running, batches: int = 4) -> Tensor:
    """The Hessian (n, n), float64, one double differentiation for each column, made symmetric.

    Rows and columns are the alphas of all kinds, flattened, one kind after the other.
    """
    identity = torch.eye(alpha_count(search), dtype=torch.float64)

    def columns(slopes: list[Tensor]) -> Tensor:
        return torch.stack([_along(search, slopes, row) for row in identity])

    mean = _mean(search, columns, batches)
    return (mean + mean.T) / 2


def alpha_hessian_product(search: Running, vector: Tensor, batches: int = 4) -> Tensor:
    """The Hessian times a vector.

    Args:
        search: The search that is measured.
        vector: (n,) in the order of :func:`alpha_hessian`.
        batches: The first batches of the alphas' half.

    Returns:
        (n,) float64.
    """
    return _mean(search, lambda slopes: _along(search, slopes, vector), batches)


def _mean(search: Running, measure: Callable[[list[Tensor]], Tensor], batches: int) -> Tensor:
    """The mean over batches of ``measure``, which gets the gradients of a batch's loss to the alphas, differentiable."""
    was_training = search.net.training
    alphas = list(search.alphas.values())
    found = []
    # Full precision: second derivatives in bfloat16 would be rounding noise.
    with search.net.kept_buffers(), torch.enable_grad(), torch.autocast(search.device.type, enabled=False):
        search.net.train()
        for inputs, targets in islice(search.batches("alphas", epoch=0, augment="none"), batches):
            loss = search.loss(search.net(inputs, search.mix("evaluation")), targets)
            found.append(measure(gradients(loss, alphas, graph=True)))
    search.net.train(was_training)
    return torch.stack(found).mean(dim=0)


def _along(search: Running, slopes: list[Tensor], vector: Tensor) -> Tensor:
    """The derivative of ``slopes`` to the alphas along ``vector`` (n,), flat, float64; the graph is kept."""
    alphas = list(search.alphas.values())
    pieces = vector.to(search.device, search.dtype).split([a.numel() for a in alphas])
    along = [piece.view_as(a) for piece, a in zip(pieces, alphas, strict=True)]
    found = gradients(slopes, alphas, vectors=along, keep=True)
    return torch.cat([part.detach().flatten() for part in found]).double().cpu()
