"""The base of proxies over the Jacobian of a batch: its rows, and their correlations."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zerocost.errors import Undefined
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject

K = 1e-5
"""Added to the arguments of logarithms and quotients in jacov and epe_nas."""


class JacobianProxy(Proxy):
    """Keeps the (N, d) float64 rows ``d(sum_n' sum_c f_c(x_n')) / dx_n``, flattened over all inputs.

    Under batch statistics a row also depends on the other samples, as published. Where the network ends in batch norm
    its summed outputs are constant, and the rows hold nothing but rounding.
    """

    needs = Pass.BATCH
    reads = frozenset({BackwardRun.INPUTS})

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.rows = torch.empty(0)

    def inputs(self, gradients: Sequence[torch.Tensor]) -> None:
        self.rows = (
            torch.cat([gradient.reshape(self.subject.batch, -1) for gradient in gradients], dim=1).double().cpu()
        )


def correlations(rows: torch.Tensor) -> torch.Tensor:
    """(n, n) Pearson correlations of (n, d) rows, in [-1, 1].

    Raises:
        Undefined: A row is constant.
    """
    centred = rows - rows.mean(dim=1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1)
    # Subtracting its mean from a row of equal numbers leaves rounding errors: those are no gradient.
    flat = norms <= 1e-12 * torch.linalg.vector_norm(rows, dim=1)
    if bool(flat.any()):
        which = int(flat.nonzero()[0])
        raise Undefined(
            f"the outputs do not depend on sample {which} (or on all of its pixels alike): its Jacobian row is constant"
        )
    unit = centred / norms[:, None]
    return (unit @ unit.T).clamp(-1.0, 1.0)
