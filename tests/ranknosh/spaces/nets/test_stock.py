"""Stock networks: torchvision's own where pictures are large, published sizes, and what is refused."""

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ranknosh.errors import SpaceError
from ranknosh.spaces.nets import stock
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.signature import Signature

PUBLISHED = {"resnet18": (11_689_512, 1.814e9), "mobilenet_v3_small": (2_542_856, 0.0565e9)}
"""Parameters and multiply-accumulates at 224 pixels and 1,000 classes, from the documentation of torchvision."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_photographs_get_the_network_of_torchvision_with_its_weights(name):
    torch.manual_seed(3)
    mine = getattr(stock, name)(Signature((3, 224, 224), (1000,)))
    torch.manual_seed(3)
    theirs = getattr(torchvision.models, name)(weights=None)
    weights = mine.state_dict()
    assert weights.keys() == theirs.state_dict().keys()
    assert all(torch.equal(weights[key], value) for key, value in theirs.state_dict().items())
    params, macs = PUBLISHED[name]
    assert count_params(mine) == params
    assert count_macs(mine, (3, 64, 64)) < macs
    assert count_macs(mine, (3, 224, 224)) == pytest.approx(macs, rel=1e-3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_hooks_count_what_the_counter_of_torch_does(name):
    network = getattr(stock, name)(Signature((1, 16, 16), (4,))).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 1, 16, 16))
    assert count_macs(network, (1, 16, 16)) == counter.get_total_flops() // 2


def test_small_pictures_keep_their_pixels_behind_the_stem():
    """9,408 weights of 7x7 pixels become 3 * 3 * c * 64, and the last layer has 513 a class."""
    plain = PUBLISHED["resnet18"][0] - 3 * 49 * 64 - 1000 * 513
    network = stock.resnet18(Signature((1, 32, 32), (10,)))
    assert count_params(network) == plain + 9 * 64 + 10 * 513
    maps = network.maxpool(network.relu(network.bn1(network.conv1(torch.zeros(2, 1, 32, 32)))))
    assert maps.shape == (2, 64, 32, 32)
    assert stock.mobilenet_v3_small(Signature((4, 63, 80), (2,))).features[0](torch.zeros(2, 4, 63, 80)).shape[2:] == (
        63,
        80,
    )
    large = stock.resnet18(Signature((4, 64, 64), (2,)))
    assert (large.conv1.kernel_size, large.conv1.in_channels) == ((7, 7), 4)
    assert isinstance(large.maxpool, nn.MaxPool2d)


def test_weights_of_another_first_layer_are_drawn_as_torchvision_draws_them():
    """Kaiming's normal, over what goes out: a variance of 2 over 9 * 64."""
    weights = stock.resnet18(Signature((8, 8, 8), (2,))).conv1.weight.detach()
    assert float(weights.var()) == pytest.approx(2 / (9 * 64), rel=0.1)


@pytest.mark.parametrize("inputs", [(5,), (2, 8, 8), (3, 4)])
def test_the_plain_network_takes_numbers_of_any_shape(inputs):
    network, size = stock.mlp(Signature(inputs, (3, 2))), torch.zeros(inputs).numel()
    assert network(torch.randn(4, *inputs)).shape == (4, 3, 2)
    assert count_params(network) == 128 * (size + 1) + 128 * 129 + 2 * 2 * 128 + 6 * 129


@pytest.mark.parametrize(
    ("name", "signature", "message"),
    [
        ("resnet18", Signature((5,), (2,)), "resnet18 builds networks for inputs"),
        (
            "mobilenet_v3_small",
            Signature((3, 8, 8), (2, 8, 8)),
            "mobilenet_v3_small builds networks with one row of outputs",
        ),
        ("resnet18", Signature((6,), (2,), "int64", 9), "resnet18 builds networks for inputs"),
        ("mlp", Signature((6,), (2,), "int64", 9), "mlp takes numbers, and the task has tokens"),
    ],
)
def test_what_does_not_suit_is_refused_in_words(name, signature, message):
    with pytest.raises(SpaceError, match=message):
        getattr(stock, name)(signature)
