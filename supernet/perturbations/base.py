"""What takes the place of the weights of operations in a weight step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supernet.mix import Mix
from supernet.part import Part
from supernet.updates.base import Batch

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


class Perturbation(Part):
    """``perturb`` gives the mix that the weight step runs with; the alphas are never changed."""

    def perturb(self, search: SupernetSearch, mix: Mix, batch: Batch) -> Mix:
        raise NotImplementedError
