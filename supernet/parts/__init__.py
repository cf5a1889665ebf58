"""What changes how edges run."""

from supernet.parts.auxiliary_skip import AuxiliarySkip
from supernet.parts.partial_channels import PartialChannels

__all__ = ["AuxiliarySkip", "PartialChannels"]
