"""SmoothDARTS: weights trained to be good for all alphas nearby."""

from __future__ import annotations

from dataclasses import replace

from supernet.method import Method
from supernet.methods.darts import darts
from supernet.perturbations import AdversarialSmoothing, RandomSmoothing
from supernet.schedules import Linear

SOURCE = "Chen & Hsieh, ICML 2020"


def sdarts_rs(epochs: int = 50, radius: float = 0.3, first_radius: float = 0.03) -> Method:
    """SDARTS-RS (Chen & Hsieh, ICML 2020): DARTS whose weight steps see randomly perturbed operation weights.

    The radius grows linearly, ``first_radius + (radius - first_radius) t / T`` in epoch ``t`` of ``T``, as in the released code.
    The paper searches the DARTS space without ``none`` (50 epochs) and NAS-Bench-201 (100); recipe of DARTS.
    """
    perturbation = RandomSmoothing(Linear(first_radius, radius))
    return replace(darts(epochs), name="SDARTS-RS", source=SOURCE, perturbation=perturbation)


def sdarts_adv(epochs: int = 50, radius: float = 0.3, first_radius: float = 0.03, *, steps: int = 7) -> Method:
    """SDARTS-ADV of the same paper: the perturbation is the worst one that ``steps`` steps of an attack find.

    Deviation: the attack compares losses in evaluation mode, where our searched cells have the statistics of the batch.
    """
    perturbation = AdversarialSmoothing(Linear(first_radius, radius), steps)
    return replace(darts(epochs), name="SDARTS-ADV", source=SOURCE, perturbation=perturbation)
