"""ranknosh/spaces/nets/ops.py"""

import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.nets.ops import OPERATIONS, EverySecondPixel, make_operation, standalone

SAME_CHANNELS = ("avg_pool_3x3", "max_pool_3x3")
KEEPS_CHANNELS_OR_SIZE = (*SAME_CHANNELS, "none", "noise", "skip_connect")


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("none", "noise")])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [(6, 6), (5, 8)])
def test_shape_and_gradient_of_every_operation(name, stride, side):
    operation = standalone(make_operation(name, 4, 4, stride))
    x = torch.randn(2, 4, *side, requires_grad=True)
    out = operation(x)
    assert out.shape == (2, 4, -(-side[0] // stride), -(-side[1] // stride))
    out.square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in operation.parameters())


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in KEEPS_CHANNELS_OR_SIZE])
def test_change_of_channels(name):
    assert standalone(make_operation(name, 4, 6, 1))(torch.randn(2, 4, 5, 5)).shape == (2, 6, 5, 5)


@pytest.mark.parametrize("stride", [1, 2])
def test_noise_has_nothing_of_its_input_but_the_shape(stride):
    noise, x = make_operation("noise", 4, 4, stride), torch.full((40, 4, 7, 8), 5.0, requires_grad=True)
    torch.manual_seed(0)
    out = noise(x)
    torch.manual_seed(0)
    assert torch.equal(out, noise(torch.zeros_like(x)))
    assert out.shape == (40, 4, -(-7 // stride), 8 // stride)
    assert not out.requires_grad
    assert abs(float(out.mean())) < 0.1
    assert abs(float(out.std()) - 1) < 0.1


def test_none_carries_nothing():
    assert make_operation("none", 4, 8, 2) is None


def test_unknown_operation_names_the_nearest():
    with pytest.raises(SpaceError, match="did you mean sep_conv_3x3"):
        make_operation("sepconv_3x3", 4, 4, 1)


@pytest.mark.parametrize("name", SAME_CHANNELS)
def test_pooling_keeps_its_channels(name):
    with pytest.raises(SpaceError, match="keeps its channels"):
        make_operation(name, 4, 8, 1)


def test_odd_channels_cannot_be_halved():
    with pytest.raises(SpaceError, match="even number"):
        make_operation("skip_connect", 3, 3, 2)


def test_average_pooling_ignores_the_border():
    pool = standalone(make_operation("avg_pool_3x3", 1, 1, 1))
    assert torch.equal(pool(torch.ones(1, 1, 3, 3)), torch.ones(1, 1, 3, 3))


def test_params_of_the_darts_operations_by_hand():
    sizes = {
        name: sum(p.numel() for p in make_operation(name, 8, 8, 1).parameters())
        for name in ("sep_conv_3x3", "dil_conv_5x5")
    }
    assert sizes == {"sep_conv_3x3": 2 * (8 * 9 + 64 + 16), "dil_conv_5x5": 8 * 25 + 64 + 16}


@pytest.mark.parametrize("c_in", [2, 5, 7, 8, 16])
@pytest.mark.parametrize("side", [(8, 8), (7, 6)])
def test_every_second_pixel_is_a_strided_pointwise_convolution(c_in, side):
    """In channels_last too, where few channels once made torch's own kernel write outside its memory."""
    layer = EverySecondPixel(c_in, 3).to(memory_format=torch.channels_last)
    x = torch.randn(8, c_in, *side).to(memory_format=torch.channels_last).requires_grad_()
    for _ in range(5):
        layer.zero_grad()
        x.grad = None
        out = layer(x)
        out.square().sum().backward()
    picked = x.detach().contiguous()[:, :, ::2, ::2].requires_grad_()
    plain = torch.einsum("nchw,oc->nohw", picked, layer.weight.detach()[:, :, 0, 0])
    plain.square().sum().backward()
    torch.testing.assert_close(out, plain)
    torch.testing.assert_close(x.grad[:, :, ::2, ::2], picked.grad)
    assert x.grad.count_nonzero() <= picked.numel()
