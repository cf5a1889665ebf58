"""Terms added to the loss of the architecture step."""

from supernet.penalties.base import Penalty
from supernet.penalties.beta_decay import BetaDecay

__all__ = ["BetaDecay", "Penalty"]
