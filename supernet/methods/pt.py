"""Perturbation-based selection on supernets trained by other methods (DARTS-PT, Wang et al., ICLR 2021)."""

from __future__ import annotations

from dataclasses import replace

from supernet.alpha_optimisers import Frozen
from supernet.decisions import with_projection
from supernet.decisions.perturbation import Criterion
from supernet.method import Method
from supernet.methods.darts import darts
from supernet.methods.sdarts import sdarts_rs
from supernet.updates import WeightsOnly

SOURCE = "Wang et al., ICLR 2021"


def darts_pt(
    epochs: int = 50,
    interval: int = 5,
    *,
    tuning_epochs: int | None = None,
    criterion: Criterion = "metric",
    validation_batches: int | None = None,
) -> Method:
    """DARTS-PT (Wang et al., ICLR 2021): DARTS, then :func:`supernet.decisions.with_projection`.

    50 epochs of search are published for the DARTS space without ``none``; the released code has 100 on NAS-Bench-201.
    The projection adds 86 epochs of tuning on DARTS and 25 on NAS-Bench-201, in proportion to ``interval``.

    Args:
        epochs: Epochs of the search before the projection.
        interval: Epochs between decisions.
        tuning_epochs: Epochs of the tuning stage; None for the published number.
        criterion: ``metric`` or ``loss``.
        validation_batches: Batches of the alphas' half that a decision is measured on; None for all.
    """
    method = with_projection(
        darts(epochs),
        interval,
        tuning_epochs=tuning_epochs,
        criterion=criterion,
        validation_batches=validation_batches,
    )
    return replace(method, source=SOURCE)


def sdarts_pt(
    epochs: int = 50,
    interval: int = 5,
    *,
    tuning_epochs: int | None = None,
    criterion: Criterion = "metric",
    validation_batches: int | None = None,
) -> Method:
    """SDARTS-PT (the same paper): SDARTS-RS, then the projection, whose tuning has perturbed mixtures, too.

    The radius of the perturbation grows over the search and stays at its last value in the tuning.

    Args:
        epochs: Epochs of the search before the projection.
        interval: Epochs between decisions.
        tuning_epochs: Epochs of the tuning stage; None for the published number.
        criterion: ``metric`` or ``loss``.
        validation_batches: Batches of the alphas' half that a decision is measured on; None for all.
    """
    return with_projection(
        sdarts_rs(epochs),
        interval,
        tuning_epochs=tuning_epochs,
        criterion=criterion,
        validation_batches=validation_batches,
    )


def fixed_alpha_pt(
    epochs: int = 50,
    interval: int = 5,
    *,
    tuning_epochs: int | None = None,
    criterion: Criterion = "metric",
    validation_batches: int | None = None,
) -> Method:
    """DARTS-PT without architecture parameters (the same paper, sec. 5, "fix alpha"): weights learn under even
    mixtures.

    The alphas stay at their initial values, which are even up to noise of deviation 0.001, and weights learn from their
    half alone.

    Args:
        epochs: Epochs of the search before the projection.
        interval: Epochs between decisions.
        tuning_epochs: Epochs of the tuning stage; None for the published number.
        criterion: ``metric`` or ``loss``.
        validation_batches: Batches of the alphas' half that a decision is measured on; None for all.
    """
    method = darts_pt(
        epochs, interval, tuning_epochs=tuning_epochs, criterion=criterion, validation_batches=validation_batches
    )
    return replace(method, name="DARTS-PT (fixed alpha)", update=WeightsOnly("halves"), alpha_optimiser=Frozen())
