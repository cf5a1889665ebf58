"""How weights and architecture parameters take turns."""

from supernet.updates.base import Batch, Update, architecture_gradients, weight_step
from supernet.updates.first import FirstOrder
from supernet.updates.single import SingleLevel

__all__ = ["Batch", "FirstOrder", "SingleLevel", "Update", "architecture_gradients", "weight_step"]
