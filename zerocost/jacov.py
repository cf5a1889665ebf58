"""jacov: how different the Jacobian rows of the samples of a batch are in an untrained network."""

from __future__ import annotations

import torch

from zerocost.errors import Undefined
from zerocost.jacobian import JacobianProxy, K, correlations


class Jacov(JacobianProxy):
    """``-sum_i [log(v_i + k) + 1 / (v_i + k)]`` over the eigenvalues v of the correlations of the samples' Jacobian rows,
    k = 1e-5. Larger is better; at most -N, where the rows are uncorrelated.

    Source: Mellor et al. 2020, "Neural architecture search without training", version 1, eq. 2 and 3; called jacob_cov by
    Abdelfattah et al. 2021. Deviation: rows, correlations and eigenvalues are in float64, by a symmetric solver, with
    eigenvalues below 0 (rounding) taken as 0; the published solver may return complex ones.

    Undefined for fewer than two samples, for whole-number inputs and where a row is constant. A repeated sample costs about
    1e5. Scores of different batch sizes cannot be compared.
    """

    name = "jacov"

    def value(self) -> float:
        if self.subject.batch < 2:
            raise Undefined("it compares samples and needs a batch of 2 or more")
        # Symmetric, so real: a general solver may return complex numbers for it.
        eigenvalues = torch.linalg.eigvalsh(correlations(self.rows)).clamp(min=0.0) + K
        return -float((eigenvalues.log() + eigenvalues.reciprocal()).sum())
