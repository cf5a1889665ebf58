"""epe_nas: how alike the Jacobian rows of samples are within the classes of a batch."""

from __future__ import annotations

import torch

from zerocost.errors import Undefined
from zerocost.jacobian import JacobianProxy, K, correlations

_MANY_CLASSES = 100


class EpeNas(JacobianProxy):
    """With ``s_c = sum_ij log(|E_c,ij| + k)`` over the correlations E_c of the Jacobian rows of class c, k = 1e-5:
    ``sum_c |s_c|`` for up to 100 classes in the batch; above that every s_c is divided by the square of the class's samples and
    the score is the sum of ``|s_c - s_c'|`` over all ordered pairs, divided by the number of classes. Larger is better.

    Source: Lopes et al. 2021, "EPE-NAS: efficient performance estimation without training for neural architecture search", eq. 3
    to 5. Deviation: float64. The value grows with the square of the samples of a class, so compare equal batches only, as
    balanced as they can be; a class with one sample adds 1e-5.

    Undefined without whole-number labels, for a batch of one class, and where jacov's rows are.
    """

    name = "epe_nas"

    def value(self) -> float:
        labels = self.subject.targets
        if labels is None:
            raise Undefined("it needs targets: give the labels of the batch")
        if labels.shape == (self.subject.batch, 1):
            labels = labels[:, 0]
        if labels.shape != (self.subject.batch,) or labels.is_floating_point() or labels.is_complex():
            raise Undefined(
                f"it needs one whole-number label for each of {self.subject.batch} samples, got targets {labels.dtype} "
                f"{tuple(labels.shape)}"
            )
        classes = torch.unique(labels)
        if len(classes) < 2:
            raise Undefined("the batch holds one class only; it compares classes and needs two or more")
        sums, sizes = [], []
        # Correlations within a class only; samples of other classes have no part in them.
        for label in classes.tolist():
            rows = self.rows[(labels == label).cpu()]
            sums.append((correlations(rows).abs() + K).log().sum())
            sizes.append(len(rows))
        scores = torch.stack(sums)
        if len(classes) <= _MANY_CLASSES:
            return float(scores.abs().sum())
        scores = scores / torch.tensor(sizes, dtype=torch.float64) ** 2
        return float((scores[:, None] - scores[None, :]).abs().sum() / len(classes))
