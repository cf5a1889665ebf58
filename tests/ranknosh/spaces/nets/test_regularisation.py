"""ranknosh/spaces/nets/regularisation.py"""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.nets.network import Cell
from ranknosh.spaces.nets.regularisation import AuxiliaryHead, DropPath, auxiliary_place, scheduled_rate
from tests.networks import genotype_network, network_of

CELL = Architecture("nasbench201", (3, 1, 2, 4, 3, 1))  # conv3, skip, conv1, pool, conv3, skip
GENOTYPE = Genotype(
    normal=(("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 1), ("none", 0)),
    normal_concat=(2, 3),
    reduce=(("skip_connect", 0), ("skip_connect", 1), ("avg_pool_3x3", 0), ("skip_connect", 2)),
    reduce_concat=(2, 3),
)


def test_the_schedule_rises_linearly_and_ends_one_step_below_the_last_rate():
    assert scheduled_rate(0.2, 0, 600) == 0
    assert scheduled_rate(0.2, 300, 600) == pytest.approx(0.1, abs=1e-15)
    assert scheduled_rate(0.2, 599, 600) == pytest.approx(0.2 * 599 / 600, abs=1e-15)


def dropping(rate, seed=0):
    torch.manual_seed(5)
    net = network_of(CELL, 4, 1, 3)
    drop = DropPath(net)
    drop.rate, drop.generator = rate, torch.Generator().manual_seed(seed)
    return net, drop


def test_the_expected_value_stays_and_an_image_is_kept_or_dropped_as_a_whole():
    net, _ = dropping(0.3)
    edge = net.blocks[0].edges["0"].train()
    ones = torch.ones(20_000, 4, 2, 2)
    edge.bn.eval()  # every image is alike without the batch's statistics
    plain = edge.bn(edge.conv(ones[:1]))
    dropped = edge(ones)
    kept = dropped.flatten(1).abs().amax(1) > 0
    share = float(kept.float().mean())
    assert abs(share - 0.7) < 4 * (0.3 * 0.7 / 20_000) ** 0.5
    torch.testing.assert_close(dropped[kept], (plain / 0.7).expand(int(kept.sum()), -1, -1, -1))
    torch.testing.assert_close(dropped.mean(0), plain[0] * share / 0.7)


def test_a_cell_agrees_with_masks_drawn_and_applied_by_hand():
    net, _ = dropping(0.4, seed=9)
    cell = net.blocks[0].train()
    assert isinstance(cell, Cell)
    x = torch.randn(6, 4, 5, 5)
    got = cell(x)
    masks = torch.Generator().manual_seed(9)

    def carried(slot, value):
        mask = torch.empty(6, 1, 1, 1).bernoulli_(0.6, generator=masks)
        rows = [mask[i] / 0.6 * value[i] for i in range(6)]
        return torch.stack(rows)

    relu, edges = torch.relu, cell.edges

    def conv(slot, value):
        op = edges[slot]
        out = op.conv(relu(value))
        mean, var = out.mean((0, 2, 3), keepdim=True), out.var((0, 2, 3), unbiased=False, keepdim=True)
        return carried(slot, (out - mean) / (var + 1e-5).sqrt())

    one = conv("0", x)
    two = x + conv("2", one)  # slot 1 is an identity: never dropped
    pool = torch.nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    three = carried("3", pool(x)) + conv("4", one) + two
    torch.testing.assert_close(got, three)


def test_identities_are_spared_and_a_strided_skip_is_not():
    net = genotype_network(GENOTYPE, 4, 3, 3)
    drop = DropPath(net)
    names = {id(edge): name for name, edge in net.named_modules()}
    kinds = [(names[id(edge)].split(".")[1], type(edge).__name__) for edge in drop.edges]
    assert ("0", "SeparableConv") in kinds
    assert ("0", "Mapped") in kinds  # the pooling
    assert kinds.count(("1", "FactorizedReduce")) == 2  # skips out of the inputs of a reduction
    assert len([kind for kind in kinds if kind[0] == "0"]) == 2
    drop.rate, drop.generator = 1 - 1e-9, torch.Generator().manual_seed(0)
    net.train()
    x, y = torch.randn(2, 12, 8, 8), torch.randn(2, 12, 8, 8)
    cell = net.blocks[0]
    assert torch.equal(cell(x, y)[:, :4], cell.preprocess[1](y))  # all else dropped, the identity is left


@pytest.mark.parametrize(("rate", "training"), [(0.0, True), (0.9, False)])
def test_neutral_at_rate_0_and_in_evaluation(rate, training):
    bare, _ = dropping(0.0)
    torch.manual_seed(5)
    bare = network_of(CELL, 4, 1, 3).train(training)
    net, drop = dropping(rate)
    net.train(training)
    x, before = torch.randn(3, 3, 8, 8), drop.generator.get_state()
    assert torch.equal(net(x), bare(x))
    assert torch.equal(drop.generator.get_state(), before)
    assert net.state_dict().keys() == bare.state_dict().keys()


def test_dropping_changes_the_outcome_and_follows_its_generator():
    x = torch.randn(8, 3, 8, 8)
    first, again, other = (dropping(0.5, seed)[0].train()(x) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


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


def test_on_7x7_maps_its_windows_are_those_of_imagenet():
    head = AuxiliaryHead(12, 7)
    maps = torch.randn(4, 12, 7, 7)
    pooled = nn.AvgPool2d(5, stride=2, padding=0, count_include_pad=False)(maps.relu())
    assert torch.equal(head(maps), head.classifier(head.features(pooled).flatten(1)))


def test_a_single_pixel_is_refused():
    with pytest.raises(SpaceError, match="at least 2x2 pixels, not 1x3"):
        AuxiliaryHead(4, 3)(torch.randn(2, 4, 1, 3))


@pytest.mark.parametrize(
    ("skeleton", "place"),
    [
        (genotype_network(GENOTYPE, 12, 20).skeleton, (2 * 20 // 3, 12 * 4 * 2)),
        (genotype_network(GENOTYPE, 16, 8).skeleton, (2 * 8 // 3, 16 * 4 * 2)),
        (genotype_network(GENOTYPE, 16, 3).skeleton, (2, 16 * 4 * 2)),
        (network_of(CELL, 16, 5).skeleton, (11, 64)),
    ],
)
def test_it_stands_behind_the_last_reduction(skeleton, place):
    assert auxiliary_place(skeleton) == place


def test_a_network_without_reductions_has_no_place():
    bare = replace(network_of(CELL).skeleton, blocks=())
    with pytest.raises(SpaceError, match="no place"):
        auxiliary_place(bare)


def test_a_block_is_read_in_passing():
    net = network_of(Architecture("nasbench201", (3, 1, 2, 4, 3, 0)), 4, 1, 3).eval()
    images, seen = torch.randn(2, 3, 8, 8), []
    net.blocks[3].register_forward_hook(lambda module, args, out: seen.append(out))
    logits, maps = net.with_block(images, 3)
    assert torch.equal(logits, net(images))
    assert maps is seen[0]
    assert maps.shape == (2, 16, 2, 2)
