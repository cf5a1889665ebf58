import math

import pytest

from ranknosh.training.schedule import learning_rate
from ranknosh.training.settings import TrainSettings


def test_cosine_by_hand():
    settings = TrainSettings(total_epochs=4, lr=0.2)
    # 4 epochs of 3 steps: position = step / 12
    assert learning_rate(settings, 0, 0, 3) == 0.2
    assert learning_rate(settings, 1, 0, 3) == pytest.approx(0.1 * (1 + math.sqrt(2) / 2))
    assert learning_rate(settings, 1, 1, 3) == pytest.approx(0.15)
    assert learning_rate(settings, 2, 0, 3) == pytest.approx(0.1)
    assert learning_rate(settings, 2, 2, 3) == pytest.approx(0.05)
    assert learning_rate(settings, 3, 2, 3) == pytest.approx(0.1 * (1 - math.cos(math.pi / 12)))


def test_the_published_cosine_of_darts_moves_once_an_epoch():
    settings = TrainSettings(total_epochs=600, lr=0.025, lr_per="epoch")
    for epoch in (0, 1, 300, 599):
        by_hand = 0.025 * 0.5 * (1 + math.cos(math.pi * epoch / 600))
        for step in (0, 7, 520):
            assert learning_rate(settings, epoch, step, 521) == pytest.approx(by_hand, rel=1e-12)
    slow = TrainSettings(total_epochs=4, lr=0.05, lr_per="epoch", warmup_epochs=2)
    assert learning_rate(slow, 1, 4, 10) == pytest.approx(0.05 * 0.5 * (1 + math.cos(math.pi / 4)) * 15 / 20)


def test_ramp_by_hand():
    settings = TrainSettings(total_epochs=4, lr=0.2, warmup_epochs=1.5)
    plain = TrainSettings(total_epochs=4, lr=0.2)
    # 1.5 epochs of 4 steps are 6 ramp steps
    for step in range(16):
        factor = min(1, (step + 1) / 6)
        assert learning_rate(settings, *divmod(step, 4), 4) == pytest.approx(
            factor * learning_rate(plain, *divmod(step, 4), 4)
        )


def test_a_lower_level_is_not_annealed_to_zero():
    settings = TrainSettings(total_epochs=100, lr=0.1)
    end_of_first_level = learning_rate(settings, 9, 19, 20)
    assert end_of_first_level > 0.097
