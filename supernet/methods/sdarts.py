"""SmoothDARTS: weights trained for all alphas within a radius."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.perturbations import AdversarialSmoothing, RandomSmoothing
from supernet.schedules import Linear

SOURCE = "Chen & Hsieh, ICML 2020"


def sdarts_rs(epochs: int = 50, radius: float = 0.3, first_radius: float = 0.03) -> Method:
    """SDARTS-RS (Chen & Hsieh, ICML 2020): DARTS whose weight steps run with randomly perturbed operation weights.

    In epoch ``t`` of ``T`` the radius is ``first_radius + (radius - first_radius) t / T``, as in the released code. The
    paper searches the DARTS space without ``none`` (50 epochs) and NAS-Bench-201 (100); recipe of DARTS.

    Args:
        epochs: T, epochs of the search.
        radius: Radius that the linear growth would reach one epoch after the end.
        first_radius: Radius of the first epoch.
    """
    perturbation = RandomSmoothing(Linear(first_radius, radius))
    return replace(darts(epochs), name="SDARTS-RS", source=SOURCE, perturbation=perturbation)


def sdarts_adv(epochs: int = 50, radius: float = 0.3, first_radius: float = 0.03, *, steps: int = 7) -> Method:
    """SDARTS-ADV of the same paper: the perturbation is the worst one that an attack finds.

    Deviation: the attack compares losses in evaluation mode, where our searched cells have the statistics of the batch.

    Args:
        epochs: Epochs of the search.
        radius: As in :func:`sdarts_rs`.
        first_radius: As in :func:`sdarts_rs`.
        steps: Steps of the attack.
    """
    perturbation = AdversarialSmoothing(Linear(first_radius, radius), steps)
    return replace(darts(epochs), name="SDARTS-ADV", source=SOURCE, perturbation=perturbation)
