"""ranknosh/spaces/nets/layout.py: the doors at which a network is laid out ask it."""

import pytest
import torch
from torch import nn

from ranknosh.spaces.chain import Chain
from ranknosh.spaces.nets.layout import bears_channels_last
from ranknosh.spaces.signature import Signature
from ranknosh.training.settings import TrainSettings
from ranknosh.training.training import place
from supernet.methods import get_method
from tests.supernet_cases import tiny_search


@pytest.mark.parametrize(
    ("options", "bears"),
    [
        ((4, 8, 1, 2), False),
        ((7, 8, 1, 2), False),
        ((8, 8, 1, 2), True),
        ((4, 8, 1, 1), True),
        ((4, 8, 3, 2), True),
        ((4, 8, 1, (1, 2)), False),
    ],
)
def test_a_strided_1x1_convolution_of_few_channels_does_not_bear_it(options, bears):
    network = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv2d(*options)))
    assert bears_channels_last(network) is bears
    for setting in ("auto", True):
        assert place(network, TrainSettings(channels_last=setting, total_epochs=1), torch.device("cpu")) is bears


@pytest.mark.parametrize(("channels", "bears"), [(4, False), (8, True)])
def test_a_supernet_is_laid_out_by_what_it_holds(channels, bears):
    space = Chain(channels=channels, head=6, stages=(1,)).relaxed(Signature((3, 8, 8), (4,)))
    search = tiny_search(get_method("darts", epochs=1), space, images=16)
    assert search.channels_last is bears
    stem = next(part for part in search.net.modules() if isinstance(part, nn.Conv2d))
    assert stem.weight.is_contiguous(memory_format=torch.channels_last) is bears
