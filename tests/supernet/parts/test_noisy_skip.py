"""supernet/parts/noisy_skip.py (and the base of what changes skip connections)."""

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.parts import NoisySkip
from supernet.schedules import Constant, Cosine
from tests.supernet_cases import bare, tiny_darts, tiny_search


def mix_at(epoch=0, epochs=1, phase="weights", seed=0):
    return Mix({}, {}, Moment(epoch, epochs, phase=phase), seed)


X = 3.0 * torch.randn(8, 4, 40, 40, generator=torch.Generator().manual_seed(1)) + 1.0


@pytest.mark.parametrize(
    ("part", "mean", "deviation"),
    [
        (NoisySkip(0.2), 0.0, 0.2 * 3.0),
        (NoisySkip(0.1, mean=0.5), 0.5, 0.1 * 3.0),
        (NoisySkip(0.2, form="uniform"), 0.0, 0.2**0.5),
        (NoisySkip(0.2, decay=Constant(0.5)), 0.0, 0.1 * 3.0),
    ],
)
def test_added_noise_has_the_moments_that_are_promised(part, mean, deviation):
    noise = part.changed(X, mix_at()) - X
    assert float(noise.mean()) == pytest.approx(mean, abs=0.01)
    assert float(noise.std()) == pytest.approx(deviation, rel=0.02)
    assert abs(float(torch.corrcoef(torch.stack([noise.flatten(), X.flatten()]))[0, 1])) < 0.02


def test_multiplied_noise():
    factor = NoisySkip(0.2, mean=1.0, mixture="multiplied").changed(X, mix_at()) / X
    assert float(factor.mean()) == pytest.approx(1.0, abs=0.01)
    assert float(factor.std()) == pytest.approx(0.2, rel=0.02)


def test_every_call_of_a_pass_draws_anew_and_every_pass_of_a_mix_the_same():
    mix, part = mix_at(), NoisySkip()
    first, second = part.changed(X, mix), part.changed(X, mix)
    mix.restart()
    assert not torch.equal(first, second)
    assert torch.equal(first, part.changed(X, mix))


def test_no_gradient_goes_through_the_deviation():
    x = X[:1].clone().requires_grad_()
    NoisySkip().changed(x, mix_at()).sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_decay_follows_the_epochs():
    part = NoisySkip(0.2, mean=1.0, decay=Cosine(1.0, 0.0, inclusive=True))
    means = [float((part.changed(X, mix_at(epoch, 5)) - X).mean()) for epoch in range(5)]
    assert means == pytest.approx([1.0, 0.853553, 0.5, 0.146447, 0.0], abs=0.01)
    assert part.changed(X, mix_at(4, 5)) is X


def test_skips_of_both_strides_are_noisy_and_nothing_else():
    space = tiny_darts()
    net = Supernet(space, parts=(NoisySkip(),))
    names = {name.split(".")[-1] for name, module in net.named_modules() if type(module).__name__ == "ChangedSkip"}
    count = sum(type(module).__name__ == "ChangedSkip" for module in net.modules())
    assert names == {"skip_connect"}
    assert count == 3 * 5


def test_evaluation_is_that_of_darts_and_a_ratio_of_zero_is_darts():
    plain, noisy, none = (tiny_search(bare(1, parts=parts)) for parts in ((), (NoisySkip(),), (NoisySkip(0.0),)))
    images = torch.randn(4, 3, 8, 8)
    outputs = [s.net.eval()(images, s.mix("evaluation")) for s in (plain, noisy)]
    assert torch.equal(*outputs)
    losses = [search.run_epoch().weights_loss for search in (plain, noisy, none)]
    assert losses[0] == losses[2] != losses[1]
    assert torch.equal(plain.alphas["normal"], none.alphas["normal"])


def test_a_negative_ratio_is_refused():
    with pytest.raises(ConfigError, match="give 0 or more"):
        NoisySkip(-0.1)
