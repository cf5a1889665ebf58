"""ranknosh/spaces/nets/auxiliary.py"""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.nets import AuxiliaryHead, build_candidate, count_params, darts_skeleton, nasbench201_skeleton
from ranknosh.spaces.nets.auxiliary import auxiliary_place


def published(head):
    """The head of the DARTS paper for 8x8 maps, layer by layer, with the weights of ``head``."""
    return nn.Sequential(
        nn.ReLU(),
        nn.AvgPool2d(5, stride=3, padding=0, count_include_pad=False),
        head.features,
        nn.Flatten(),
        head.classifier,
    )


def test_on_8x8_maps_it_is_the_published_head():
    head = AuxiliaryHead(12, 7)
    maps = torch.randn(4, 12, 8, 8)
    assert torch.equal(head(maps), published(head)(maps))
    assert count_params(head) == 12 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 7 + 7


@pytest.mark.parametrize("side", [(2, 2), (3, 5), (4, 4), (7, 7), (16, 9)])
def test_any_size_from_2_on_and_every_pixel_counts(side):
    head = AuxiliaryHead(4, 3).eval()
    maps = (torch.rand(1, 4, *side) + 0.1).requires_grad_()
    head(maps).square().sum().backward()
    assert bool((maps.grad.abs().sum(1) > 0).all())


def test_a_single_pixel_is_refused():
    with pytest.raises(SpaceError, match="at least 2x2 pixels, not 1x3"):
        AuxiliaryHead(4, 3)(torch.randn(2, 4, 1, 3))


@pytest.mark.parametrize(
    ("skeleton", "place"),
    [
        (darts_skeleton(NetworkSize(36, 20, 10)), (13, 36 * 4 * 4)),
        (darts_skeleton(NetworkSize(16, 8, 10)), (5, 16 * 4 * 4)),
        (darts_skeleton(NetworkSize(16, 2, 10)), (1, 16 * 4 * 4)),
        (nasbench201_skeleton(NetworkSize(16, 5, 10)), (11, 64)),
    ],
)
def test_it_stands_behind_the_last_reduction(skeleton, place):
    assert auxiliary_place(skeleton) == place
    if skeleton.space == "darts":
        assert place[0] == 2 * skeleton.size.cells // 3


def test_a_network_without_reductions_has_no_place():
    bare = replace(nasbench201_skeleton(NetworkSize(4, 3, 3)), blocks=())
    with pytest.raises(SpaceError, match="no place"):
        auxiliary_place(bare)


def test_a_block_is_read_in_passing():
    net = build_candidate(Architecture("nasbench201", (3, 1, 2, 4, 3, 0)), NetworkSize(4, 1, 3)).eval()
    images, seen = torch.randn(2, 3, 8, 8), []
    net.blocks[3].register_forward_hook(lambda module, args, out: seen.append(out))
    logits, maps = net.with_block(images, 3)
    assert torch.equal(logits, net(images))
    assert maps is seen[0]
    assert maps.shape == (2, 16, 2, 2)
