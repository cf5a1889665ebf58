"""supernet/schedules.py: values at the beginning, in the middle and at the end."""

import pytest

from supernet.schedules import Constant, Cosine, Exponential, Linear


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (Constant(0.3), {0: 0.3, 7: 0.3}),
        (Linear(1.0, 0.0), {0: 1.0, 25: 0.5, 49: 0.02, 50: 0.0}),
        (Linear(10.0, 0.1, inclusive=True), {0: 10.0, 49: 0.1}),
        (Cosine(1.0, 0.0), {0: 1.0, 25: 0.5, 50: 0.0}),
        (Exponential(10.0, 0.1, inclusive=True), {0: 10.0, 49: 0.1}),
        (Exponential(4.0, 1.0), {0: 4.0, 25: 2.0, 50: 1.0}),
    ],
)
def test_values_over_50_epochs(schedule, values):
    for epoch, value in values.items():
        assert schedule(epoch, 50) == pytest.approx(value, abs=1e-12)


def test_one_epoch_has_a_value():
    assert Linear(2.0, 1.0, inclusive=True)(0, 1) == 2.0
