"""ranknosh/spaces/nets/blocks.py; beside torchvision's blocks with hard-swish in test_mobile.py"""

import pytest
import torch
from torch import nn

from ranknosh.spaces.nets.blocks import ConvNorm, InvertedResidual

mobilenetv3 = pytest.importorskip("torchvision.models.mobilenetv3")


@pytest.mark.parametrize("squeeze", [False, True])
def test_a_block_of_another_activation_is_that_of_mobilenet_v3(squeeze):
    torch.manual_seed(0)
    ours = InvertedResidual(8, 12, 5, 3, 2, squeeze, activation=nn.ReLU)
    config = mobilenetv3.InvertedResidualConfig(8, 5, 24, 12, squeeze, "RE", 2, 1, 1.0)
    config.input_channels, config.expanded_channels, config.out_channels = 8, 24, 12
    other = mobilenetv3.InvertedResidual(config, nn.BatchNorm2d)
    ours.load_state_dict(dict(zip(ours.state_dict(), other.state_dict().values(), strict=True)))
    x = torch.randn(2, 8, 9, 9)
    torch.testing.assert_close(ours(x), other(x), rtol=1e-5, atol=1e-6)


def test_a_convolution_may_end_without_an_activation():
    linear, bent = ConvNorm(2, 3, 3, activation=None), ConvNorm(2, 3, 3, activation=nn.ReLU)
    bent.load_state_dict(linear.state_dict())
    x = torch.randn(4, 2, 5, 5)
    assert (linear(x) < 0).any()
    torch.testing.assert_close(bent(x), linear(x).relu())
