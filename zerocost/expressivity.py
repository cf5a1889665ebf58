"""expressivity: how evenly the features of a network's blocks use their channels."""

from __future__ import annotations

from collections.abc import Sequence

from zerocost.errors import Undefined
from zerocost.feature import Feature
from zerocost.proxy import Pass, Proxy, Subject


class BlockEntropies(Proxy):
    """The base of proxies over the features F_0 ... F_M of the pass over the blocks: what enters the first block and
    what leaves each block."""

    needs = Pass.BLOCKS

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._features: Sequence[Feature] = ()

    def features(self, features: Sequence[Feature]) -> None:
        self._features = features

    def entropies(self, least: int) -> list[float]:
        """The entropies of F_0 ... F_M (nats).

        Raises:
            Undefined: There are fewer than ``least`` features, or one is constant or not finite.
        """
        if len(self._features) < least:
            raise Undefined(
                f"it needs {least} or more features of blocks (what enters the first one and leaves each one) and the "
                f"output of this network depends on {len(self._features)}"
            )
        return [feature.entropy for feature in self._features]


class Expressivity(BlockEntropies):
    """``sum_i entropy(F_i)``, the entropy of the shares that the principal directions of feature F_i have in its variance
    (:attr:`zerocost.feature.Feature.entropy`). Larger is better; 0 to the sum of log C_i.

    Source: Lee & Ham 2024, "AZ-NAS: Assembling zero-cost proxies for network architecture search", section 3. The four
    components of AZ-NAS are this, progressivity, trainability and ``macs``, to be combined by the sum of the logarithms of
    their ranks. Which modules are the blocks: :func:`zerocost.blocks.blocks_of`; weights, inputs and order:
    ``zerocost.passes.blocks``; as in the published search on NAS-Bench-201 weights are fresh and inputs Gaussian.

    Deviations: products and eigenvalues are in float64, with eigenvalues below 0 (rounding) taken as 0. A constant feature (a
    network cut in two), published as minus infinity, is a reason. So is a network of which no block runs.
    """

    name = "expressivity"

    def value(self) -> float:
        return sum(self.entropies(1))
