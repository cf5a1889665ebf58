"""Perturbations of the weights of operations in the weight step."""

from supernet.perturbations.adversarial import AdversarialSmoothing
from supernet.perturbations.base import Perturbation
from supernet.perturbations.random import RandomSmoothing

__all__ = ["AdversarialSmoothing", "Perturbation", "RandomSmoothing"]
