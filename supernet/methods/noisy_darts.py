"""NoisyDARTS: noise on skip connections."""

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
    """NoisyDARTS (Chu & Zhang, BMVC 2021): DARTS with noise on the outputs of skip connections, see
    :class:`supernet.parts.NoisySkip`.

    Batch 128 and a learning rate of 0.05 to 0.001, as in the released code. The paper tries ``ratio`` 0.2 and 0.1,
    multiplied noise of mean 1, and means of 0.5 and 1 that fade out.

    Args:
        epochs: Epochs of the search.
        ratio: Deviation of Gaussian noise relative to that of the output; variance of uniform noise.
        mean: Mean of the noise.
        form: ``gaussian`` or ``uniform``.
        mixture: Noise is ``added`` to the output or ``multiplied`` with it.
        decay: The noise fades out by a cosine.
    """
    fading = Cosine(1.0, 0.0) if decay else Constant(1.0)
    part = NoisySkip(ratio, mean, form, mixture, fading)
    method = replace(darts(epochs), name="NoisyDARTS", source="Chu & Zhang, BMVC 2021", parts=(part,))
    return with_recipe(method, batch=128, lr=0.05)
