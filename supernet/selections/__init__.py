"""From a trained supernet to an architecture."""

from supernet.selections.base import Selection, decode
from supernet.selections.decided import Decided
from supernet.selections.magnitude import Magnitude
from supernet.selections.strength import Strength
from supernet.selections.threshold import Threshold

__all__ = ["Decided", "Magnitude", "Selection", "Strength", "Threshold", "decode"]
