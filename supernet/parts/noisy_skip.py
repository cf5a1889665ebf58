"""Noise on skip connections (NoisyDARTS)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ranknosh.errors import ConfigError
from supernet.draws import normal_like, uniform_like
from supernet.mix import Mix
from supernet.parts.skip_changes import SkipChange
from supernet.schedules import Constant, Schedule

STEADY = Constant(1.0)


@dataclass(frozen=True)
class NoisySkip(SkipChange):
    """Noise on the output ``x`` of every skip connection, drawn anew for every edge (NoisyDARTS, Chu & Zhang, BMVC
    2021).

    Added noise of ratio and mean 0 changes nothing.

    Args:
        ratio: ``gaussian``: the deviation of the noise, in units of ``std(x)`` over the whole tensor where the noise is
            added (without gradient) and in units of 1 where it multiplies. ``uniform``: the variance of the noise, as
            in the released code.
        mean: Mean of the noise.
        form: ``gaussian`` N(mean, s^2), or ``uniform`` mean + U(-a, a) with ``a = sqrt(3 * ratio)``.
        mixture: ``added``: ``x + noise``; ``multiplied``: ``x * noise``.
        decay: Factor of the noise over the epochs of the search.

    Raises:
        ConfigError: ``ratio`` is below 0.
    """

    ratio: float = 0.2
    mean: float = 0.0
    form: Literal["gaussian", "uniform"] = "gaussian"
    mixture: Literal["added", "multiplied"] = "added"
    decay: Schedule = STEADY

    def __post_init__(self) -> None:
        if self.ratio < 0:
            raise ConfigError(f"the noise of skip connections has ratio {self.ratio}; give 0 or more")

    def describe(self) -> str:
        centre = f", mean {self.mean:g}" if self.mean else ""
        fading = "" if self.decay == STEADY else f", {self.decay}"
        return f"{self.form} noise {self.ratio:g} {self.mixture} on skips{centre}{fading}"

    def changed(self, x: Tensor, mix: Mix) -> Tensor:
        decay = self.decay(mix.moment.epoch, mix.moment.epochs)
        if self.mixture == "multiplied":
            return x * (self._noise(x, mix, self.ratio) * decay)
        if decay == 0 or self.ratio == self.mean == 0:
            return x
        # Detached: the noise follows the size of x, but training must not act on x through it.
        deviation = self.ratio * x.detach().std() if self.form == "gaussian" else self.ratio
        return x + self._noise(x, mix, deviation) * decay

    def _noise(self, x: Tensor, mix: Mix, size: Tensor | float) -> Tensor:
        if self.form == "gaussian":
            return normal_like(x, mix).mul_(size).add_(self.mean)
        return uniform_like(x, mix).mul_(math.sqrt(3 * self.ratio)).add_(self.mean)
