"""Parts that measure a search after every epoch and may end it."""

from supernet.monitors.adaptive import Adaptive
from supernet.monitors.curvature import Curvature
from supernet.monitors.eigenvalue_rise import EigenvalueRise, Rise
from supernet.monitors.gap import Gap
from supernet.monitors.ranking import RankingStable
from supernet.monitors.skips import SkipLimit
from supernet.monitors.stable import ArchitectureStable
from supernet.monitors.without import Without

__all__ = [
    "Adaptive",
    "ArchitectureStable",
    "Curvature",
    "EigenvalueRise",
    "Gap",
    "RankingStable",
    "Rise",
    "SkipLimit",
    "Without",
]
