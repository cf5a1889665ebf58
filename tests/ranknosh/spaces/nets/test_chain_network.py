"""ranknosh/spaces/nets on a chain: one choice a layer, as in NAS-Bench-Macro."""

import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.nets import build, chain_skeleton, chosen_chain, count_macs, count_params

MIXED = ("identity", "mb3_k3", "mb6_k5", "identity", "identity", "mb6_k5", "mb3_k3", "identity")


def expected_params(operations, channels, classes):
    total = 3 * channels * 9 + 2 * channels
    c_in = channels
    for layer, operation in enumerate(operations):
        c_out = c_in * 2 if layer in (0, 2, 5) else c_in
        if operation == "identity":
            total += (c_in * c_out + 2 * c_out) if layer in (0, 2, 5) else 0
        else:
            expansion, kernel = (3, 3) if operation == "mb3_k3" else (6, 5)
            hidden = c_in * expansion
            total += c_in * hidden + 2 * hidden + hidden * kernel**2 + 2 * hidden + hidden * c_out + 2 * c_out
        c_in = c_out
    head = 40 * channels
    return total + c_in * head + 2 * head + (head + 1) * classes


@pytest.mark.parametrize("operations", [MIXED, ("mb6_k5",) * 8, ("identity",) * 8])
def test_params_by_hand(operations):
    with torch.device("meta"):
        net = build(chain_skeleton(NetworkSize(32, 8, 10)), chosen_chain(operations))
    assert count_params(net) == expected_params(operations, 32, 10)


def test_layers_follow_the_three_stages():
    plans = chain_skeleton(NetworkSize(32, 8, 10)).cells
    assert [plan.stride for plan in plans] == [2, 1, 2, 1, 1, 2, 1, 1]
    assert [plan.channels for plan in plans] == [64, 64, 128, 128, 128, 256, 256, 256]


@pytest.mark.parametrize("side", [4, 7, 16])
def test_shapes_and_gradients(side):
    net = build(chain_skeleton(NetworkSize(4, 8, 10, 1)), chosen_chain(MIXED))
    logits = net(torch.randn(3, 1, side, side))
    assert logits.shape == (3, 10)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_a_layer_of_none_cuts_the_chain_but_still_runs():
    net = build(chain_skeleton(NetworkSize(4, 8, 10)), chosen_chain((*MIXED[:7], "none")))
    assert (net.blocks[-1](torch.randn(2, 32, 2, 2)) == 0).all()
    assert net(torch.randn(2, 3, 16, 16)).shape == (2, 10)


def test_macs_count_depthwise_layers_once():
    """One layer at 8x8 -> 4x4 by hand: expand 4 -> 12, depthwise 3x3, project to 8; stem, head and classifier."""
    net = build(chain_skeleton(NetworkSize(4, 1, 10)), chosen_chain(("mb3_k3",)))
    by_hand = 3 * 4 * 9 * 64 + 4 * 12 * 64 + 12 * 9 * 16 + 12 * 8 * 16 + 8 * 160 * 16 + 160 * 10
    assert count_macs(net, (3, 8, 8)) == by_hand


def test_too_few_operations_are_refused():
    with pytest.raises(SpaceError, match="one a layer"):
        build(chain_skeleton(NetworkSize(4, 8, 10)), chosen_chain(MIXED[:5]))
