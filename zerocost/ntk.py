"""ntk: the condition number of the neural tangent kernel of an untrained network."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from zerocost.errors import Undefined
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject

# Columns of the gradients that are turned into float64 at a time.
_BLOCK = 2**18


class Ntk(Proxy):
    """Condition number ``lambda_max / lambda_min`` of ``Theta = G G^T``, with rows ``G_n = d(sum_c f_c(x_n)) / dtheta``
    of the samples n. Smaller is better. At least 1.

    Source: Chen et al. 2021, "Neural architecture search on ImageNet in four GPU hours: a theoretically inspired
    perspective" (TE-NAS), section 3.1.1. theta: every trainable parameter whose name does not contain "bias"; the
    published code takes those whose name contains "weight", which for the layers of torch, normalisation included, is
    the same. Compare values of equal numbers of samples only.

    Deviations: the statistics of the batch are held fixed (``passes.singles``), and Theta is added up and solved in
    float64; the published code differentiates through the statistics of the batch, in float32, where the smallest
    eigenvalue may turn negative. The weights are the module's own, not drawn again.

    Undefined for fewer than two samples, where no gradient reaches a weight, and where Theta is singular up to the
    rounding of the gradients: samples with linearly dependent gradients (a repeated one, a network that is cut in two).

    Args:
        subject: The network and the batch.
        samples: How many samples are used, the first ones of the batch; at least 2.
    """

    name = "ntk"
    direction = -1
    needs = Pass.SINGLES
    reads = frozenset({BackwardRun.OUTPUTS})

    def __init__(self, subject: Subject, *, samples: int = 32) -> None:
        super().__init__(subject)
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2:
            raise ValueError(
                f"ntk got samples={samples!r}; it compares samples and takes a whole number of them, 2 or more"
            )
        self._count = min(samples, subject.batch)
        names = [name for name, _ in subject.module.named_parameters()]
        self._counted = {place for place, name in enumerate(names) if "bias" not in name}
        self._rows: dict[int, list[torch.Tensor | None]] = {}
        self._kernel = torch.zeros(self._count, self._count, dtype=torch.float64, device="cpu")
        self._rounding = torch.finfo(torch.float64).eps

    def samples(self) -> int:
        if self.subject.batch < 2:
            raise Undefined("it compares the gradients of samples and needs a batch of 2 or more")
        return self._count

    def sample_gradients(self, index: int, reading: BackwardRun, gradients: Mapping[int, torch.Tensor]) -> None:
        for place in self._counted & gradients.keys():
            self._rows.setdefault(place, [None] * self._count)[index] = gradients[place]
        # The last sample of a group of weights: its gradients are summed up and freed.
        if index == self._count - 1:
            for place in sorted(self._rows):
                self._add(self._rows.pop(place))

    def _add(self, rows: list[torch.Tensor | None]) -> None:
        """Adds what one parameter contributes; a sample without a gradient has a row of zeros."""
        known = next(row for row in rows if row is not None)
        # Gradients are rounded in their own type; in the kernel, a product of two, that is its square.
        self._rounding = max(self._rounding, torch.finfo(known.dtype).eps ** 2)
        matrix = torch.stack([torch.zeros_like(known) if row is None else row for row in rows]).flatten(1)
        for block in matrix.split(_BLOCK, dim=1):
            wide = block.double()
            self._kernel += (wide @ wide.T).cpu()

    def value(self) -> float:
        eigenvalues = torch.linalg.eigvalsh(self._kernel)
        smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        if largest == 0.0:
            raise Undefined("the outputs do not depend on any trainable weight that is not a bias")
        if smallest <= self._count * self._rounding * largest:
            raise Undefined(
                f"the gradients of {self._count} samples are linearly dependent up to rounding (eigenvalues of the kernel from "
                f"{smallest:.3g} to {largest:.3g}): the network cannot learn all samples apart"
            )
        return largest / smallest
