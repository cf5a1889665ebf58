"""From architecture parameters to the weights of a pass."""

from supernet.relaxations.base import Relaxation
from supernet.relaxations.dirichlet import Dirichlet
from supernet.relaxations.gumbel import GumbelPath, GumbelSoftmax
from supernet.relaxations.operation_dropout import OperationDropout
from supernet.relaxations.sigmoid import Sigmoid
from supernet.relaxations.simplex import Simplex
from supernet.relaxations.softmax import Softmax

__all__ = [
    "Dirichlet",
    "GumbelPath",
    "GumbelSoftmax",
    "OperationDropout",
    "Relaxation",
    "Sigmoid",
    "Simplex",
    "Softmax",
]
