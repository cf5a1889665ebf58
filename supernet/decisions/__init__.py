"""Rules that decide edges: they fix one operation on an edge, remove operations from its mixture, or remove the edge."""

from supernet.decisions.greedy import GreedyDecisions
from supernet.decisions.perturbation import without
from supernet.decisions.projection import Projection, with_projection

__all__ = ["GreedyDecisions", "Projection", "with_projection", "without"]
