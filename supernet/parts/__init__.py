"""Parts that change how edges run or how training images look."""

from supernet.parts.auxiliary_skip import AuxiliarySkip
from supernet.parts.cutout import Cutout
from supernet.parts.drop_path import EdgeDropPath
from supernet.parts.noisy_skip import NoisySkip
from supernet.parts.partial_channels import PartialChannels
from supernet.parts.skip_dropout import SkipDropout, SkipDropoutRate

__all__ = [
    "AuxiliarySkip",
    "Cutout",
    "EdgeDropPath",
    "NoisySkip",
    "PartialChannels",
    "SkipDropout",
    "SkipDropoutRate",
]
