"""Rules that decide edges: fix one operation on an edge, take operations out of its mixture, or take the edge away."""

from supernet.decisions.greedy import GreedyDecisions
from supernet.decisions.perturbation import without
from supernet.decisions.projection import Projection, with_projection

__all__ = ["GreedyDecisions", "Projection", "with_projection", "without"]
