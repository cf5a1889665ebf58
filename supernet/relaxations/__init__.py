"""From architecture parameters to the weights of a pass."""

from supernet.relaxations.base import Relaxation
from supernet.relaxations.softmax import Softmax

__all__ = ["Relaxation", "Softmax"]
