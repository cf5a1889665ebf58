"""Transformers beside torch's own layers and formulas by hand: ranknosh/spaces/nets/transformer.py"""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from ranknosh.spaces.nets.transformer import Patches, Pixels, Transformer, TransformerBlock, TransformerPlan


def params(net):
    return sum(each.numel() for each in net.parameters())


def of_block(width, hidden):
    return 4 * width * width + 4 * width + 2 * width * hidden + hidden + width + 4 * width


def plan(width=12, blocks=((2, 24), (4, 12)), token=False, causal=False, grid=None, everywhere=False):
    return TransformerPlan(width, blocks, 0.0, token, causal, grid, everywhere)


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("causal", [False, True])
def test_a_block_is_torchs_encoder_layer(heads, causal):
    torch.manual_seed(0)
    ours = TransformerBlock(16, heads, 24, 0.0)
    theirs = nn.TransformerEncoderLayer(16, heads, 24, 0.0, "gelu", batch_first=True, norm_first=True)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    names = {
        "self_attn.in_proj_": "qkv.",
        "self_attn.out_proj.": "project.",
        "linear1.": "expand.",
        "linear2.": "contract.",
    }
    weights = {}
    for name, value in theirs.state_dict().items():
        for old, new in names.items():
            name = name.replace(old, new)
        weights[name] = value
    ours.load_state_dict(weights)
    assert params(ours) == params(theirs) == of_block(16, 24)
    x = torch.randn(3, 7, 16)
    mask = nn.Transformer.generate_square_subsequent_mask(7) if causal else None
    torch.testing.assert_close(ours(x, causal), theirs(x, src_mask=mask, is_causal=causal))


def test_dropout_leaves_out_parts_of_what_is_added():
    torch.manual_seed(0)
    block = TransformerBlock(8, 2, 16, 0.5)
    nn.init.zeros_(block.contract.weight)
    nn.init.zeros_(block.contract.bias)
    x = torch.randn(1, 4, 8)
    added = block.eval()(x) - x
    dropped = block.train()(x) - x
    kept = dropped != 0
    assert 0 < kept.sum() < kept.numel()
    torch.testing.assert_close(dropped[kept], 2 * added[kept])


def test_patches_and_pixels_by_hand():
    pictures = torch.randn(2, 3, 8, 6)
    patches = Patches(3, 5, (4, 2))
    found = patches(pictures)
    assert found.shape == (2, 6, 5)
    # The patch of row 1, column 2 stands at place 1 * 3 + 2.
    flat = pictures[:, :, 4:8, 4:6].flatten(1)
    torch.testing.assert_close(found[:, 5], flat @ patches.project.weight.flatten(1).T + patches.project.bias)
    pixels = Pixels(5, 2, (2, 3), (4, 2))
    painted = pixels(found)
    assert painted.shape == (2, 2, 8, 6)
    torch.testing.assert_close(painted[:, :, 4:8, 4:6], pixels.linear(found[:, 5]).reshape(2, 2, 4, 2))
    torch.testing.assert_close(painted[:, :, 0:4, 2:4], pixels.linear(found[:, 1]).reshape(2, 2, 4, 2))


BLOCKS = of_block(12, 24) + of_block(12, 12)
ENDS = {
    "picture": (plan(grid=(2, 4)), (3, 8, 8), (5,), None, 3 * 8 * 12 + 12 + 8 * 12 + 12 * 5 + 5),
    "picture, class token": (plan(grid=(2, 4), token=True), (3, 8, 8), (5,), None, 3 * 8 * 12 + 12 + 10 * 12 + 12 * 5 + 5),
    "every pixel": (
        plan(grid=(2, 4), everywhere=True), (3, 8, 8), (5, 8, 8), None, 3 * 8 * 12 + 12 + 8 * 12 + 13 * 5 * 8,
    ),
    "sequence": (plan(), (7, 3), (2, 4), None, 4 * 12 + 7 * 12 + 13 * 8),
    "sequence, one number": (plan(), (7, 3), (), None, 4 * 12 + 7 * 12 + 13),
    "tokens": (plan(), (7,), (5,), 11, 11 * 12 + 7 * 12 + 13 * 5),
    "every token": (plan(everywhere=True, causal=True), (7,), (7, 11), 11, 11 * 12 + 7 * 12 + 13 * 11),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDS)
def test_ends_and_their_parameters(case):
    plan_, inputs, outputs, vocabulary, ends = ENDS[case]
    net = Transformer(plan_, inputs, outputs, vocabulary)
    assert params(net) == ends + BLOCKS + 2 * 12
    x = torch.randint(vocabulary, (3, *inputs)) if vocabulary else torch.randn(3, *inputs)
    found = net(x)
    assert found.shape == (3, *outputs)
    found.sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_a_causal_position_sees_none_behind_it():
    torch.manual_seed(0)
    tokens = torch.randint(11, (2, 7))
    changed = tokens.clone()
    changed[:, 4] = (changed[:, 4] + 1) % 11
    for causal in (True, False):
        net = Transformer(plan(everywhere=True, causal=causal), (7,), (7, 11), 11)
        differs = (net(tokens) - net(changed)).abs().amax((0, 2)) > 1e-7
        assert differs.tolist() == ([False] * 4 + [True] * 3 if causal else [True] * 7)


def test_a_class_token_is_what_the_outputs_are_read_from():
    torch.manual_seed(0)
    net = Transformer(plan(grid=(2, 2), token=True, blocks=()), (1, 4, 4), (3,))
    expected = net.head.linear(net.norm(net.token[0, 0] + net.positions[0, 0]))
    torch.testing.assert_close(net(torch.randn(2, 1, 4, 4)), expected.expand(2, 3))


def test_weights_are_drawn_as_published():
    torch.manual_seed(0)
    net = Transformer(plan(width=64, blocks=((4, 256),) * 2, token=True, grid=(4, 4)), (3, 32, 32), (10,))
    drawn = torch.cat([each.flatten() for each in net.parameters() if each.dim() > 1])
    assert abs(drawn.std().item() - 0.02) < 0.001
    assert all(torch.count_nonzero(each) == 0 for name, each in net.named_parameters() if name.endswith("bias"))
    assert (net.norm.weight == 1).all()


def test_a_network_learns_to_copy_the_token_before():
    """Next-token prediction of sequences that repeat two tokens: from the third position on they are known."""
    torch.manual_seed(0)
    net = Transformer(plan(width=32, blocks=((2, 64),) * 2, everywhere=True, causal=True), (8,), (8, 6), 6)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(150):
        pairs = torch.randint(6, (64, 2)).repeat(1, 5)
        logits = net(pairs[:, :8])
        loss = functional.cross_entropy(logits[:, 2:].flatten(0, 1), pairs[:, 3:9].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3 < math.log(6)
