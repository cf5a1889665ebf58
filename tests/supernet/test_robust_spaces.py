"""supernet/robust_spaces.py: S1 to S4, their lists, and the noise of S4."""

import pytest
import torch

from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.genotype import parse
from supernet.methods import get_method
from supernet.network import Supernet
from supernet.robust_spaces import Noise, s1, s2, s3, s4
from supernet.space import to_genotype
from tests.supernet_cases import bare, tiny_search

SIZE = NetworkSize(8, 3, 4)
MAX, AVG, SKIP = "max_pool_3x3", "avg_pool_3x3", "skip_connect"
SEP3, DIL3, DIL5 = "sep_conv_3x3", "dil_conv_3x3", "dil_conv_5x5"


def test_the_lists_of_s1():
    space = s1()
    normal, reduce = space.candidates["normal"], space.candidates["reduce"]
    assert (len(normal), len(reduce), space.width) == (14, 14, 2)
    assert normal[:7] == (
        (SKIP, DIL3),
        (SKIP, DIL5),
        (SKIP, DIL5),
        (SKIP, SEP3),
        (SKIP, DIL3),
        (MAX, SKIP),
        (SKIP, SEP3),
    )
    assert normal[7:10] == ((SKIP, SEP3), (SKIP, DIL3), (SKIP, SEP3))
    assert normal[10:] == ((MAX, SKIP), (SKIP, DIL3), (DIL3, DIL5), (DIL3, DIL5))
    assert reduce[:7] == ((MAX, AVG), (MAX, DIL3), (MAX, AVG), (MAX, AVG), (SKIP, DIL5), (MAX, AVG), (MAX, SEP3))
    assert reduce[7:] == ((SKIP, DIL3), (SKIP, DIL5), (MAX, AVG), (MAX, AVG), (SKIP, DIL5), (SKIP, DIL5), (SKIP, DIL5))


def test_the_lists_of_the_others():
    assert set(s2().candidates["normal"]) == set(s2().candidates["reduce"]) == {(SKIP, SEP3)}
    assert set(s3().candidates["reduce"]) == {("none", SKIP, SEP3)}
    assert set(s4().candidates["normal"]) == {("noise", SEP3)}


def test_operations_of_an_edge_are_read_from_its_own_list():
    """The released code asks the list of edge j within a node for ``none``; here the edge's own list decides."""
    space = s1()
    search = tiny_search(bare(), space, SIZE)
    alphas = search.alphas["normal"].data
    alphas.zero_()
    alphas[:, 1] = 1.0
    cells = search.method.selection.derive(search)
    genotype = to_genotype(space, cells)
    assert genotype.normal[:4] == ((DIL3, 0), (DIL5, 1), (DIL5, 0), (SEP3, 1))
    alphas[12, 1], alphas[13, 0] = 3.0, 3.0
    assert to_genotype(space, search.method.selection.derive(search)).normal[6:] == ((DIL5, 3), (DIL3, 4))


def test_none_of_s3_is_never_derived():
    search = tiny_search(bare(), s3(), SIZE)
    search.alphas["normal"].data[:, 0] = 10.0
    assert "none" not in search.space.write(search.method.selection.derive(search))


@pytest.mark.parametrize("make", [s1, s2, s3, s4])
@pytest.mark.parametrize("name", ["darts", "darts_minus"])
def test_searches_run(make, name):
    search = tiny_search(get_method(name, epochs=1), make(), SIZE, images=16)
    report = search.run_epoch()
    assert report.alphas_loss is not None
    assert parse(report.text) == to_genotype(search.space, search.result())


def test_noise_is_normal_of_the_strided_shape_and_takes_no_gradient():
    space = s4()
    net = Supernet(space, SIZE)
    search = tiny_search(bare(), space, SIZE)
    noises = [module for module in net.modules() if isinstance(module, Noise)]
    assert len(noises) == 3 * 14
    assert sum(noise.stride == 2 for noise in noises) == 2 * 8
    mix = search.mix("weights")
    net.current.set(mix)
    x = torch.randn(64, 8, 17, 16, requires_grad=True)
    strided = next(noise for noise in noises if noise.stride == 2)
    drawn = strided(x)
    assert drawn.shape == (64, 8, 9, 8)
    assert not drawn.requires_grad
    assert float(drawn.mean()) == pytest.approx(0.0, abs=0.02)
    assert float(drawn.std()) == pytest.approx(1.0, abs=0.02)
    assert not torch.equal(drawn, strided(x))
    mix.restart()
    assert torch.equal(drawn, strided(x))


def test_the_weight_of_noise_learns():
    search = tiny_search(bare(), s4(), SIZE)
    before = search.alphas["normal"].detach().clone()
    images = torch.randn(4, 3, 8, 8)
    mix = search.mix("weights", detached=True)
    assert torch.equal(search.net(images, mix), search.net(images, mix))
    search.run_epoch()
    assert (search.alphas["normal"] != before).all()
