"""Baselines that share weights without relaxation: RSPS, SETN, ENAS."""

from __future__ import annotations

from supernet.alpha_optimisers import Adam, Frozen
from supernet.method import Method, Stage, SupernetRecipe
from supernet.relaxations.controller import Controller
from supernet.relaxations.uniform import UniformPath
from supernet.selections.sampled import BestOfSamples
from supernet.updates import FirstOrder
from supernet.updates.weights_only import WeightsOnly

_RECIPE = SupernetRecipe(nesterov=True, weight_decay=5e-4)
"""Dong & Yang, ICLR 2020, the recipe of the weight-sharing methods on NAS-Bench-201."""


def rsps(epochs: int = 250, samples: int = 100, batches: int | None = 1) -> Method:
    """Random search with parameter sharing (Li & Talwalkar, UAI 2019), as in the NAS-Bench-201 code.

    Args:
        epochs: Epochs of weight training.
        samples: Architectures that are ranked at the end.
        batches: Batches of the alphas' half that each is ranked on; None for all, which has less noise.
    """
    return Method(
        "RSPS",
        "Li & Talwalkar, UAI 2019",
        (Stage(epochs),),
        relaxation=UniformPath(),
        update=WeightsOnly(),
        alpha_optimiser=Frozen(),
        selection=BestOfSamples(samples, batches),
        recipe=_RECIPE,
    )


def setn(epochs: int = 250, samples: int = 100, batches: int | None = 1) -> Method:
    """SETN (Dong & Yang, ICCV 2019): weights on uniform paths, alphas on the dense softmax, then the best of the
    likeliest.

    Args:
        epochs: Epochs of the search.
        samples: Likeliest architectures that are ranked at the end.
        batches: Batches of the alphas' half that each is ranked on; None for all.
    """
    return Method(
        "SETN",
        "Dong & Yang, ICCV 2019",
        (Stage(epochs),),
        relaxation=UniformPath(dense_alphas=True),
        update=FirstOrder(),
        alpha_optimiser=Adam(),
        selection=BestOfSamples(samples, batches, "likeliest"),
        recipe=_RECIPE,
    )


def enas(epochs: int = 250, updates: int = 50, samples: int = 20, finalists: int = 100) -> Method:
    """ENAS (Pham et al., ICML 2018), settings of the NAS-Bench-201 code.

    The result is the best of the controller's last draws on one batch each. Deviation: one cosine of the learning rate
    instead of restarts every 10 epochs.

    Args:
        epochs: Epochs of the search.
        updates: Steps of the controller an epoch.
        samples: Draws of each step.
        finalists: Draws that are ranked at the end.
    """
    return Method(
        "ENAS",
        "Pham et al., ICML 2018",
        (Stage(epochs),),
        relaxation=Controller(updates, samples),
        update=WeightsOnly(),
        alpha_optimiser=Frozen(),
        selection=BestOfSamples(finalists, 1, "controller"),
        recipe=SupernetRecipe(batch=128, lr=0.05, lr_last=0.0005, nesterov=True, weight_decay=2.5e-4),
    )
