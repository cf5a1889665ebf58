"""ranknosh/spaces/robust.py as supernets: S1 to S4, their lists, and the noise of S4."""

import pytest
import torch

from ranknosh.spaces.genotype import parse
from ranknosh.spaces.robust import S1, S2, S3, S4
from ranknosh.spaces.signature import Signature
from supernet.draws import MixNoise
from supernet.methods import get_method
from supernet.network import Supernet
from tests.supernet_cases import bare, tiny_search


def relaxed(kind):
    return kind(8, 3).relaxed(Signature((3, 8, 8), (4,)))


MAX, AVG, SKIP = "max_pool_3x3", "avg_pool_3x3", "skip_connect"
SEP3, DIL3, DIL5 = "sep_conv_3x3", "dil_conv_3x3", "dil_conv_5x5"


def test_the_lists_of_s1():
    space = relaxed(S1)
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
    assert set(relaxed(S2).candidates["normal"]) == set(relaxed(S2).candidates["reduce"]) == {(SKIP, SEP3)}
    assert set(relaxed(S3).candidates["reduce"]) == {("none", SKIP, SEP3)}
    assert set(relaxed(S4).candidates["normal"]) == {("noise", SEP3)}


def test_operations_of_an_edge_are_read_from_its_own_list():
    """The released code asks the list of edge j within a node for ``none``; here the edge's own list decides."""
    space = relaxed(S1)
    search = tiny_search(bare(), space)
    alphas = search.alphas["normal"].data
    alphas.zero_()
    alphas[:, 1] = 1.0
    cells = search.method.selection.derive(search)
    genotype = parse(space.write(cells))
    assert genotype.normal[:4] == ((DIL3, 0), (DIL5, 1), (DIL5, 0), (SEP3, 1))
    alphas[12, 1], alphas[13, 0] = 3.0, 3.0
    assert parse(space.write(search.method.selection.derive(search))).normal[6:] == ((DIL5, 3), (DIL3, 4))


def test_none_of_s3_is_never_derived():
    search = tiny_search(bare(), relaxed(S3))
    search.alphas["normal"].data[:, 0] = 10.0
    assert "none" not in search.space.write(search.method.selection.derive(search))


@pytest.mark.parametrize("make", [S1, S2, S3, S4])
@pytest.mark.parametrize("name", ["darts", "darts_minus"])
def test_searches_run(make, name):
    search = tiny_search(get_method(name, epochs=1), relaxed(make), images=16)
    report = search.run_epoch()
    assert report.alphas_loss is not None
    assert report.text == search.space.write(search.result())
    assert make(8, 3).parse(report.text)


def test_noise_is_normal_of_the_strided_shape_and_takes_no_gradient():
    space = relaxed(S4)
    net = Supernet(space)
    search = tiny_search(bare(), space)
    noises = [module for module in net.modules() if isinstance(module, MixNoise)]
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
    search = tiny_search(bare(), relaxed(S4))
    before = search.alphas["normal"].detach().clone()
    images = torch.randn(4, 3, 8, 8)
    mix = search.mix("weights", detached=True)
    assert torch.equal(search.net(images, mix), search.net(images, mix))
    search.run_epoch()
    assert (search.alphas["normal"] != before).all()
