"""Inverted residual networks beside torchvision's blocks and formulas by hand: ranknosh/spaces/nets/mobile.py"""

from itertools import product

import pytest
import torch
from torch import nn

from ranknosh.spaces.mobile import MobileSpace
from ranknosh.spaces.nets.blocks import InvertedResidual, squeezed
from ranknosh.spaces.nets.mobile import MobileNetwork, MobilePlan, StagePlan
from ranknosh.spaces.signature import Signature

mobilenetv2 = pytest.importorskip("torchvision.models.mobilenetv2")
mobilenetv3 = pytest.importorskip("torchvision.models.mobilenetv3")

SETTINGS = [
    (c_in, c_out, kernel, expansion, stride, squeeze)
    for (c_in, c_out), kernel, expansion, stride, squeeze in product(
        [(8, 8), (8, 12)], (3, 5, 7), (3, 4, 6), (1, 2), (False, True)
    )
] + [(16, 16, 3, 1, 1, False)]


def theirs(c_in, c_out, kernel, expansion, stride, squeeze):
    """The block of MobileNetV3 with hard-swish."""
    config = mobilenetv3.InvertedResidualConfig(c_in, kernel, expansion * c_in, c_out, squeeze, "HS", stride, 1, 1.0)
    config.input_channels, config.expanded_channels, config.out_channels = c_in, expansion * c_in, c_out
    return mobilenetv3.InvertedResidual(config, nn.BatchNorm2d)


def params(net):
    return sum(each.numel() for each in net.parameters())


def by_hand(c_in, c_out, kernel, expansion, stride, squeeze):
    wide = c_in * expansion
    total = wide * kernel**2 + 2 * wide + wide * c_out + 2 * c_out
    total += 0 if expansion == 1 else c_in * wide + 2 * wide
    return total + (2 * wide * squeezed(wide) + squeezed(wide) + wide if squeeze else 0)


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_block_is_that_of_mobilenet_v3(settings):
    torch.manual_seed(0)
    ours, other = InvertedResidual(*settings), theirs(*settings)
    assert params(ours) == params(other) == by_hand(*settings)
    weights = dict(zip(ours.state_dict(), other.state_dict().values(), strict=True))
    ours.load_state_dict(weights)
    x = torch.randn(2, settings[0], 9, 9)
    for mode in (True, False):
        torch.testing.assert_close(ours.train(mode)(x), other.train(mode)(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", [s for s in SETTINGS if s[2] == 3 and not s[5]])
def test_a_block_has_the_parameters_of_mobilenet_v2(settings):
    c_in, c_out, _, expansion, stride, _ = settings
    assert params(InvertedResidual(*settings)) == params(mobilenetv2.InvertedResidual(c_in, c_out, stride, expansion))


def test_the_squeeze_is_rounded_as_published():
    for channels in range(8, 2000, 4):
        assert squeezed(channels) == mobilenetv3._make_divisible(channels // 4, 8)


def test_the_stages_of_mobilenet_v3_large():
    """Widths, kernels and squeeze-and-excite of the published network, where the space has the expansion."""
    space = MobileSpace(channels=16, stages=5, stem_side=112, depths=(2, 3, 4), widths=(1.0,), resolutions=(1.0,))
    architecture = space.parse(
        "r1 | w1 k3e4 k3e3 | w1 se k5e3 k5e3 k5e3 | w1 k3e6 k3e3 k3e3 k3e3 | w1 se k3e6 k3e6 | w1 se k5e6 k5e6 k5e6"
    )
    layers, channels = [], 16
    for width, stride, squeeze, blocks in [
        (24, 2, False, [(3, 4), (3, 3)]),
        (40, 2, True, [(5, 3)] * 3),
        (80, 2, False, [(3, 6), (3, 3), (3, 3), (3, 3)]),
        (112, 1, True, [(3, 6)] * 2),
        (160, 2, True, [(5, 6)] * 3),
    ]:
        for number, (kernel, expansion) in enumerate(blocks):
            layers.append((channels, width, kernel, expansion, stride if number == 0 else 1, squeeze))
            channels = width
    net = space.network(architecture, Signature((3, 224, 224), (1000,)))
    assert [params(block) for block in net.blocks] == [params(theirs(*each)) for each in layers]
    stem = 3 * 16 * 9 + 2 * 16 + params(theirs(16, 16, 3, 1, 1, False))
    head = 160 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert params(net) == stem + sum(by_hand(*each) for each in layers) + head
    published = mobilenetv3.mobilenet_v3_large()
    same = [by_hand(*each) for each in layers]
    found = [params(block) for block in published.features if isinstance(block, mobilenetv3.InvertedResidual)][1:]
    # Three blocks of 80 channels expand to 200, 184 and 184, which the space does not have; all others are the same.
    assert [i for i, (a, b) in enumerate(zip(same, found, strict=False)) if a != b] == [6, 7, 8]


PLAN = MobilePlan(None, 4, 1, (StagePlan(((3, 3), (5, 4)), 6, 2, True),), 16)


@pytest.mark.parametrize(("halvings", "side"), [(1, 32), (2, 16), (3, 8)])
def test_the_stem_halves_as_often_as_it_is_told(halvings, side):
    net = MobileNetwork(MobilePlan(None, 4, halvings, PLAN.stages, 16), 3, (5,))
    assert net.stem(torch.zeros(2, 3, 64, 64)).shape == (2, 4, side, side)
    assert net.blocks(net.stem(torch.zeros(2, 3, 64, 64))).shape == (2, 6, side // 2, side // 2)


@pytest.mark.parametrize("outputs", [(10,), (), (4, 2)])
def test_outputs_have_the_shape_that_is_asked_for(outputs):
    net = MobileNetwork(PLAN, 1, outputs)
    assert net(torch.randn(3, 1, 32, 24)).shape == (3, *outputs)


def test_the_network_shrinks_its_input_itself():
    torch.manual_seed(0)
    net = MobileNetwork(MobilePlan((8, 16), 4, 1, PLAN.stages, 16), 3, (5,)).eval()
    same = MobileNetwork(PLAN, 3, (5,)).eval()
    same.load_state_dict(net.state_dict())
    large = torch.randn(2, 3, 16, 32)
    # Half the side is, bilinearly, the mean of two by two pixels.
    torch.testing.assert_close(net(large), same(nn.functional.avg_pool2d(large, 2)))


def test_a_network_learns():
    torch.manual_seed(0)
    net = MobileNetwork(PLAN, 1, (2,))
    pictures = torch.randn(32, 1, 16, 16)
    labels = torch.arange(32) % 2
    pictures[labels == 1, :, :8] += 2
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(pictures), labels)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_a_network_can_be_differentiated_twice():
    """As grasp does: the derivative of the squared length of the gradient."""
    torch.manual_seed(0)
    net = MobileNetwork(PLAN, 1, (2,))
    weights = list(net.parameters())
    loss = nn.functional.cross_entropy(net(torch.randn(8, 1, 16, 16)), torch.arange(8) % 2)
    gradient = torch.autograd.grad(loss, weights, create_graph=True)
    second = torch.autograd.grad(sum(each.square().sum() for each in gradient), weights)
    assert all(torch.isfinite(each).all() for each in second)
    assert sum(each.abs().sum() for each in second) > 0
