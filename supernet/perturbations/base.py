"""The base of perturbations of the weight step."""

from __future__ import annotations

from supernet.data import Batch
from supernet.mix import Mix
from supernet.part import Part, Running


class Perturbation(Part):
    """Changes the mix that a weight step runs with; the alphas are never changed."""

    def perturb(self, search: Running, mix: Mix, batch: Batch) -> Mix:
        """The mix for one weight step.

        Args:
            search: The search that the step belongs to.
            mix: The mix without perturbation, detached from the alphas.
            batch: The training batch of the step.

        Returns:
            The perturbed mix, or ``mix`` itself.
        """
        raise NotImplementedError
