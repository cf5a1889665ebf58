"""Factors of whole edges (edge normalisation)."""

from supernet.weightings.base import EdgeWeighting
from supernet.weightings.node_simplex import NodeSimplex
from supernet.weightings.node_softmax import NodeSoftmax

__all__ = ["EdgeWeighting", "NodeSimplex", "NodeSoftmax"]
