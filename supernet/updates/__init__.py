"""How weights and architecture parameters take turns."""

from supernet.data import Batch
from supernet.updates.amended import Amended
from supernet.updates.base import Update, architecture_gradients, weight_step
from supernet.updates.first import FirstOrder
from supernet.updates.mixed import MixedLevel
from supernet.updates.neumann import Neumann
from supernet.updates.second import SecondOrder
from supernet.updates.single import SingleLevel
from supernet.updates.weights_only import WeightsOnly

__all__ = [
    "Amended",
    "Batch",
    "FirstOrder",
    "MixedLevel",
    "Neumann",
    "SecondOrder",
    "SingleLevel",
    "Update",
    "WeightsOnly",
    "architecture_gradients",
    "weight_step",
]
