"""Which modules are the blocks of a network, and which dimension holds their channels."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn

from ranknosh.spaces.catalog import get_space
from tests.networks import network_of
from zerocost.blocks import blocks_of, channel_dimension

CELLS = {
    "convolutions": "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|",
    "nothing to learn": "|none~0|+|none~0|none~1|+|skip_connect~0|avg_pool_3x3~1|none~2|",
    "disconnected": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
}


class Composite(nn.Module):
    def __init__(self, *children: nn.Module) -> None:
        super().__init__()
        for number, child in enumerate(children):
            self.add_module(f"child{number}", child)


def kinds(module: nn.Module) -> list[str]:
    return [type(block).__name__ for block in blocks_of(module)]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n", [1, 5])
def test_nasbench201(cell: str, n: int) -> None:
    net = network_of(get_space("nasbench201").parse(CELLS[cell]), 4, n, 10, 3)
    stage = ["Cell"] * n
    assert kinds(net) == [*stage, "ResidualReduction", *stage, "ResidualReduction", *stage]
    assert blocks_of(net) == list(net.blocks)


def test_torchvision_networks() -> None:
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    assert kinds(models.resnet18()) == ["BasicBlock"] * 8
    assert kinds(models.mobilenet_v3_small()) == [
        "Conv2dNormActivation",
        *["InvertedResidual"] * 11,
        "Conv2dNormActivation",
    ]
    vit = models.VisionTransformer(32, 8, 12, 2, 8, 16)
    assert blocks_of(vit) == list(vit.encoder.layers)
    assert kinds(vit) == ["EncoderBlock"] * 12


def test_layers_with_weights_where_nothing_is_composite() -> None:
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4)))
    assert blocks_of(mlp) == [mlp[1], mlp[3][0]]
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU(), nn.Flatten(), nn.Linear(4, 2))
    assert blocks_of(conv) == [conv[0], conv[4]]
    classifier = nn.ModuleDict({"lstm": nn.LSTM(3, 4), "head": nn.Linear(4, 2)})
    assert kinds(classifier) == ["LSTM", "Linear"]


def test_a_layer_alone_is_its_own_block_and_nothing_without_weights() -> None:
    linear = nn.Linear(3, 2)
    assert blocks_of(linear) == [linear]
    assert blocks_of(nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3))) == []
    assert blocks_of(nn.ReLU()) == []


def test_the_only_composite_is_opened() -> None:
    inner = nn.Sequential(*[Composite(nn.Linear(2, 2), nn.ReLU()) for _ in range(3)])
    body = Composite(nn.Linear(4, 2), inner)
    assert blocks_of(Composite(nn.Flatten(), Composite(body, nn.Dropout()), nn.Linear(2, 2))) == list(inner)
    # Nothing composite inside: the layers of the whole network.
    net = Composite(nn.Linear(4, 2), Composite(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2))
    assert kinds(net) == ["Linear"] * 3


def test_composites_without_parameters_count_beside_others_but_make_no_level() -> None:
    skip = Composite(nn.Identity())
    first, second = (Composite(nn.Linear(2, 2)) for _ in range(2))
    assert blocks_of(nn.Sequential(first, skip, second)) == [first, skip, second]
    metrics = nn.ModuleDict({"loss": Composite(nn.Identity()), "accuracy": Composite(nn.Identity())})
    assert blocks_of(Composite(nn.Sequential(Composite(nn.Sequential(first, second))), metrics)) == [first, second]


def test_a_subclass_of_a_container_is_a_composite() -> None:
    class Named(nn.Sequential):
        pass

    blocks = [Named(nn.Linear(2, 2)), Named(nn.Linear(2, 2))]
    assert blocks_of(nn.Sequential(nn.Sequential(blocks[0]), nn.ModuleList([blocks[1]]))) == blocks


def test_a_shared_block_is_listed_once() -> None:
    shared = Composite(nn.Linear(2, 2))
    other = Composite(nn.Linear(2, 2))
    assert blocks_of(nn.ModuleList([nn.Sequential(shared, other), nn.Sequential(shared)])) == [shared, other]


def test_of_nested_weight_holders_the_outer_one_counts_but_for_the_network() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    assert blocks_of(layer) == [layer.self_attn, layer.linear1, layer.linear2]
    layer.token = nn.Parameter(torch.zeros(2, 8))
    assert Counter(kinds(layer)) == {"MultiheadAttention": 1, "Linear": 2}


@pytest.mark.parametrize(
    ("block", "shape", "expected"),
    [
        (nn.Conv2d(3, 3, 1), (2, 3, 4, 5), 1),
        (Composite(nn.Conv2d(3, 3, 1), nn.LayerNorm(3), nn.Linear(3, 3)), (2, 3, 4, 5), 1),
        (Composite(nn.Linear(3, 3), nn.LayerNorm(3)), (2, 4, 5, 3), 3),
        (Composite(nn.Identity()), (2, 3, 4, 5), 1),
        (Composite(nn.BatchNorm2d(3)), (2, 3, 4, 5), 1),
        (nn.Conv1d(3, 3, 1), (2, 3, 4), 1),
        (Composite(nn.Conv2d(3, 6, 4)), (2, 9, 6), 2),
        (nn.LSTM(3, 4), (2, 5, 4), 2),
        (nn.TransformerEncoderLayer(8, 2, 16), (2, 5, 8), 2),
        (nn.Linear(3, 4), (2, 4), 1),
        (nn.Conv2d(3, 3, 1), (2, 3), 1),
    ],
)
def test_channels(block: nn.Module, shape: tuple[int, ...], expected: int) -> None:
    assert channel_dimension(block, torch.zeros(shape)) == expected
