"""The supernet of inverted residual networks: ranknosh/spaces/mobile_supernet.py"""

import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.mobile import MobileSpace
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.signature import Signature
from supernet.methods import get_method
from supernet.network import Supernet
from tests.supernet_cases import tiny_search

SPACE = MobileSpace(channels=4, stages=2, depths=(1, 2), kernels=(3, 5), expansions=(3, 6), resolutions=(0.5, 1.0))
SIGNATURE = Signature((3, 32, 32), (5,))
FOUND = "r1 | w1 k3e6 k5e3 | w1 k5e6 k3e3"
CELLS = {"normal": (1, 2, 3, 0)}


def test_what_is_kept_is_an_architecture():
    relaxed = SPACE.relaxed(SIGNATURE)
    assert relaxed.candidates == {"normal": (("k3e3", "k3e6", "k5e3", "k5e6"),) * 4}
    assert relaxed.write(CELLS) == FOUND
    assert SPACE.format(SPACE.parse(FOUND)) == FOUND
    only = SPACE.scaled(squeeze=(True,), widths=(0.5, 1.5)).relaxed(SIGNATURE)
    assert only.write(CELLS) == "r1 | w0.5 se k3e6 k5e3 | w0.5 se k5e6 k3e3"


def test_one_candidate_an_edge_is_the_network_of_the_architecture():
    relaxed = SPACE.relaxed(SIGNATURE)

    def kept(context):
        place = CELLS["normal"][context.edge_index]
        return relaxed.make(relaxed.candidates["normal"][context.edge_index][place], context, True)

    torch.manual_seed(0)
    net, plain = relaxed.build(kept), SPACE.network(SPACE.parse(FOUND), SIGNATURE)
    assert {name.replace(".edge.", "."): value.shape for name, value in net.state_dict().items()} == {
        name: value.shape for name, value in plain.state_dict().items()
    }
    plain.load_state_dict({name.replace(".edge.", "."): value for name, value in net.state_dict().items()})
    pictures = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(net(pictures), plain(pictures))


def test_a_supernet_holds_every_candidate():
    """As many weights as networks of one kind of block have together, without scale and shift in the norms of the blocks."""
    net = Supernet(SPACE.relaxed(SIGNATURE))
    alone = [
        SPACE.network(SPACE.parse(f"r1 | w1 {block} {block} | w1 {block} {block}"), SIGNATURE)
        for block in SPACE.operations
    ]
    ends = sum(count_params(part) for part in (alone[0].stem, alone[0].head, alone[0].classifier))
    blocks = sum(count_params(one.blocks) for one in alone)
    norms = [m for one in alone for m in one.blocks.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert count_params(net) == ends + blocks - 2 * sum(norm.num_features for norm in norms)


@pytest.mark.parametrize("name", ["darts", "gdas", "drnas", "snas", "darts_minus", "rsps"])
def test_methods_find_an_architecture(name):
    space = SPACE.scaled(resolutions=(1.0,))
    search = tiny_search(get_method(name, epochs=2), space.relaxed(Signature((3, 8, 8), (4,))), images=16)
    blocks = search.net.network.blocks
    before = [[weights.detach().clone() for weights in block.parameters()] for block in blocks]
    while not search.ended:
        search.run_epoch()
    found = space.decode(space.parse(search.space.write(search.result())))
    assert (found["stage1.depth"], found["stage2.depth"]) == (2, 2)
    for block, old in zip(blocks, before, strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(block.parameters(), old, strict=True))


@pytest.mark.parametrize("signature", [Signature((3, 32, 32), (5, 32, 32)), Signature((9,), (2,))])
def test_a_task_that_does_not_fit_is_refused(signature):
    with pytest.raises(SpaceError):
        SPACE.relaxed(signature)
