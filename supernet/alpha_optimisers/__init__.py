"""What moves the architecture parameters, given their gradients."""

from supernet.alpha_optimisers.adam import Adam
from supernet.alpha_optimisers.base import AlphaOptimiser, Frozen
from supernet.alpha_optimisers.exponentiated import ExponentiatedGradient

__all__ = ["Adam", "AlphaOptimiser", "ExponentiatedGradient", "Frozen"]
