"""trainability: how well the blocks of a network keep the size of gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from zerocost.errors import Undefined
from zerocost.feature import Feature
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject

# Added to the divisor of the quotient, as published.
_EPSILON = 1e-6


class Trainability(Proxy):
    """``mean_i (2 - sigma_i - 1 / (sigma_i + 1e-6))`` over the blocks, sigma_i the largest singular value of the mean of
    ``u_p v_p^T`` over samples and positions p, v a random gradient of +1 and -1 at the output of block i and u what of it
    reaches its input. Larger is better; at most about 0, where all sigma_i are 1; about -1e6 where no gradient passes any
    block.

    Source: Lee & Ham 2024, "AZ-NAS: Assembling zero-cost proxies for network architecture search", section 3: the Jacobian
    of a block by one backward run of random signs. Which modules are the blocks: :func:`zerocost.blocks.blocks_of`;
    weights, inputs and order: ``zerocost.passes.blocks``.

    Where a block changes the number of positions, the pixels of u that fall to a position of v become its channels, as
    published for a stride that divides the size. Beyond that: sizes that no whole stride fits are cropped or padded with
    zeros evenly around; v is folded where it is the larger one; where one side has no positions (a classifier) all of the
    other's become channels. A block left out adds nothing to the mean: one whose sides have another batch size or other
    numbers of dimensions (an image cut into tokens), or that does not depend on the feature before (a parallel branch).

    Undefined where no block is left, where u is not finite, and where a block hands its gradient on unchanged (an identity,
    published as minus infinity).
    """

    name = "trainability"
    needs = Pass.BLOCKS
    reads = frozenset({BackwardRun.BLOCK_GRADIENTS})

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._norms: list[torch.Tensor] = []
        self._identity: str | None = None

    def block_gradients(self, entering: Feature, leaving: Feature) -> None:
        u, v = entering.tensor, leaving.tensor
        if u.shape == v.shape and torch.equal(u, v):
            self._identity = leaving.name
        sides = _aligned(entering.channels_last, leaving.channels_last)
        if sides is not None:
            self._norms.append(_spectral_norm(*sides))

    def value(self) -> float:
        if self._identity is not None:
            raise Undefined(
                f"the gradient at {self._identity} passes the block unchanged: it is an identity (published: minus infinity)"
            )
        if not self._norms:
            raise Undefined(
                "no block of the network has an output that depends on the feature before, at the same positions"
            )
        norms = torch.stack(self._norms)
        if not bool(torch.isfinite(norms).all()):
            raise Undefined("the gradient at the input of a block holds NaN or infinity")
        return float((2.0 - norms - (norms + _EPSILON).reciprocal()).mean())


def _aligned(u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """(N, positions..., C) twice to (rows, channels) twice with the rows at the same positions; None where there is no way."""
    dimensions = max(u.ndim, v.ndim)
    if len(u) != len(v) or (u.ndim != v.ndim and 2 not in (u.ndim, v.ndim)):
        return None
    u, v = (t.reshape(len(t), *[1] * (dimensions - t.ndim), *t.shape[1:]) for t in (u, v))
    sizes = [min(pair) for pair in zip(u.shape[1:-1], v.shape[1:-1], strict=True)]
    return _folded(u, sizes), _folded(v, sizes)


def _folded(tensor: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """(N, positions..., C) to (N * product of ``sizes``, channels): neighbouring positions become channels of one."""
    for dim, size in enumerate(sizes, start=1):
        have = tensor.shape[dim]
        # The nearest whole stride; what does not fit is padded, or cropped by a negative pad.
        stride = (2 * have + size) // (2 * size)
        spare = stride * size - have
        if spare:
            before = int(spare / 2)
            tensor = F.pad(tensor, [0, 0] * (tensor.ndim - 1 - dim) + [before, spare - before])
        tensor = tensor.unflatten(dim, (size, stride)).movedim(dim + 1, -1).flatten(-2)
    return tensor.flatten(0, -2)


def _spectral_norm(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """The largest singular value of ``u^T v / rows``, for (rows, c) and (rows, d), in float64; NaN where u is not finite."""
    product = _narrow(u.double()).T @ _narrow(v.double()) / len(u)
    if not bool(torch.isfinite(product).all()):
        return product.new_full((), torch.nan)
    gram = product @ product.T if product.shape[0] < product.shape[1] else product.T @ product
    return torch.linalg.eigvalsh(gram)[-1].clamp(min=0.0).sqrt()


def _narrow(rows: torch.Tensor) -> torch.Tensor:
    """``rows`` rotated in the space of its channels, so that no more channels than rows are left; singular values stay."""
    return torch.linalg.qr(rows.T, mode="r").R.T if len(rows) < rows.shape[1] else rows
