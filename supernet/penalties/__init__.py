"""Terms added to the loss of the architecture step."""

from supernet.penalties.base import Penalty
from supernet.penalties.beta_decay import BetaDecay
from supernet.penalties.dirichlet_divergence import DirichletDivergence
from supernet.penalties.entropy import Entropy
from supernet.penalties.zero_one import ZeroOne

__all__ = ["BetaDecay", "DirichletDivergence", "Entropy", "Penalty", "ZeroOne"]
