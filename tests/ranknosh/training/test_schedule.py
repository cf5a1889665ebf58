import math

import pytest

from ranknosh.training.schedule import learning_rate
from ranknosh.training.settings import TrainSettings


def test_cosine_by_hand():
    settings = TrainSettings(total_epochs=4, lr=0.2)
    # 4 epochs of 3 steps: position = step / 12
    assert learning_rate(settings, 0, 3) == 0.2
    assert learning_rate(settings, 3, 3) == pytest.approx(0.1 * (1 + math.sqrt(2) / 2))
    assert learning_rate(settings, 4, 3) == pytest.approx(0.15)
    assert learning_rate(settings, 6, 3) == pytest.approx(0.1)
    assert learning_rate(settings, 8, 3) == pytest.approx(0.05)
    assert learning_rate(settings, 11, 3) == pytest.approx(0.1 * (1 - math.cos(math.pi / 12)))


def test_ramp_by_hand():
    settings = TrainSettings(total_epochs=4, lr=0.2, warmup_epochs=1.5)
    plain = TrainSettings(total_epochs=4, lr=0.2)
    # 1.5 epochs of 4 steps are 6 ramp steps
    for step in range(16):
        factor = min(1, (step + 1) / 6)
        assert learning_rate(settings, step, 4) == pytest.approx(factor * learning_rate(plain, step, 4))


def test_a_lower_level_is_not_annealed_to_zero():
    settings = TrainSettings(total_epochs=100, lr=0.1)
    end_of_first_level = learning_rate(settings, 10 * 20 - 1, 20)
    assert end_of_first_level > 0.097
