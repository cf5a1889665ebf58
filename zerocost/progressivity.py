"""progressivity: the smallest gain of entropy from one block's features to the next."""

from __future__ import annotations

from itertools import pairwise

from zerocost.expressivity import BlockEntropies


class Progressivity(BlockEntropies):
    """``min_i entropy(F_i) - entropy(F_i-1)``, the smallest gain of entropy of a block. Larger is better; can be negative.

    Source: Lee & Ham 2024, "AZ-NAS: Assembling zero-cost proxies for network architecture search", section 3. Entropies,
    blocks, deviations and reasons: :class:`zerocost.expressivity.Expressivity`; two features are the least.
    """

    name = "progressivity"

    def value(self) -> float:
        entropies = self.entropies(2)
        return min(after - before for before, after in pairwise(entropies))
