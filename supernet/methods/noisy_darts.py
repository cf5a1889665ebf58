"""NoisyDARTS: skip connections whose advantage is disturbed."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from supernet.method import Method, with_recipe
from supernet.methods.darts import darts
from supernet.parts import NoisySkip
from supernet.schedules import Constant, Cosine


def noisy_darts(
    epochs: int = 50,
    ratio: float = 0.2,
    *,
    mean: float = 0.0,
    form: Literal["gaussian", "uniform"] = "gaussian",
    mixture: Literal["added", "multiplied"] = "added",
    decay: bool = False,
) -> Method:
    """NoisyDARTS (Chu & Zhang, BMVC 2021): DARTS with Gaussian noise added to the outputs of skip connections.

    See :class:`supernet.parts.NoisySkip`; the paper tries ``ratio`` .2 and .1, multiplied noise of mean 1, and means of .5 and 1
    that fade out by a cosine (``decay``). Batch 128 and a learning rate of .05 to .001, as in the released code.
    """
    fading = Cosine(1.0, 0.0) if decay else Constant(1.0)
    part = NoisySkip(ratio, mean, form, mixture, fading)
    method = replace(darts(epochs), name="NoisyDARTS", source="Chu & Zhang, BMVC 2021", parts=(part,))
    return with_recipe(method, batch=128, lr=0.05)
