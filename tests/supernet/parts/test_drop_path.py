"""supernet/parts/drop_path.py."""

import pytest
import torch

from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.parts import EdgeDropPath
from supernet.schedules import Constant, Linear
from tests.supernet_cases import bare, tiny_search, triangle


def pass_of(rate, phase, seed=0, epoch=0, epochs=1):
    """Two skip connections in a row and one beside, weight 1, over 2000 images of ones."""
    space = triangle(("skip_connect",), 1, 1, 3)
    net = Supernet(space, parts=(EdgeDropPath(rate),))
    mix = Mix({"normal": torch.ones(3, 1)}, {"normal": ((0,),) * 3}, Moment(epoch, epochs, phase=phase), seed)
    net.current.set(mix)
    return net.network.blocks[0](torch.ones(2000, 1, 2, 2))


def test_whole_images_are_dropped_and_the_mean_stays():
    out = pass_of(Constant(0.25), "weights")
    first = out[:, 0, 0, 0]
    assert torch.equal(out, first[:, None, None, None].expand_as(out))
    scale = 1 / 0.75
    found = {round(float(value), 4) for value in first.unique()}
    assert found == {round(value, 4) for value in (0.0, scale, scale**2, scale + scale**2)}
    assert float(first.mean()) == pytest.approx(2.0, abs=0.08)
    assert float((first == 0).float().mean()) == pytest.approx(0.25 * (1 - 0.75**2), abs=0.03)


def test_evaluation_drops_nothing_and_architecture_passes_do():
    assert torch.equal(pass_of(Constant(0.5), "evaluation"), torch.full((2000, 1, 2, 2), 2.0))
    assert (pass_of(Constant(0.5), "alphas") == 0).any()


def test_the_same_mix_drops_the_same_images():
    assert torch.equal(pass_of(Constant(0.5), "weights", 3), pass_of(Constant(0.5), "weights", 3))
    assert not torch.equal(pass_of(Constant(0.5), "weights", 3), pass_of(Constant(0.5), "weights", 4))


def test_the_rate_follows_the_epochs():
    rate = Linear(0.0, 0.5, inclusive=True)
    assert not (pass_of(rate, "weights", epoch=0, epochs=5) == 0).any()
    shares = [float((pass_of(rate, "weights", 1, epoch, 5)[:, 0, 0, 0] == 0).float().mean()) for epoch in (2, 4)]
    assert shares == pytest.approx([0.25 * (1 - 0.75**2), 0.5 * (1 - 0.5**2)], abs=0.04)


def test_a_rate_of_zero_is_the_bare_search_and_another_is_not():
    cases = ((), (EdgeDropPath(Constant(0.0)),), (EdgeDropPath(Constant(0.3)),))
    plain, zero, dropped = (tiny_search(bare(1, parts=parts)) for parts in cases)
    losses = [search.run_epoch().weights_loss for search in (plain, zero, dropped)]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(plain.alphas["normal"], zero.alphas["normal"])


def test_gradients_are_those_of_the_masked_sum():
    space = triangle(("nor_conv_1x1", "skip_connect"), 2, 1, 3)
    net = Supernet(space, parts=(EdgeDropPath(Constant(0.5)),)).double()
    theta = torch.rand(3, 2, dtype=torch.float64, requires_grad=True)
    mix = Mix({"normal": theta}, {"normal": ((0, 1),) * 3}, Moment(), seed=5)
    x = torch.randn(4, 2, 3, 3, dtype=torch.float64)

    def loss(values):
        passed = mix.with_theta({"normal": values})
        passed.restart()
        net.current.set(passed)
        return net.network.blocks[0](x).square().sum()

    assert torch.autograd.gradcheck(loss, (theta,))
