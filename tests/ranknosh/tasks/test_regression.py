"""Regression: a loss that does not know the unit, and metrics that do."""

import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.regression import Regression
from tests.ranknosh.tasks.task_samples import cubed, of, rows

WANTED = torch.tensor([100.0, 200.0, 300.0, 400.0])  # mean 250, deviation 111.80


def task(targets: torch.Tensor = WANTED, **settings: object) -> Regression:
    return Regression(of(rows(len(targets)), targets), **settings)  # type: ignore[arg-type]


def measured(made: Regression, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    found = {}
    for name, metric in made.metrics.items():
        meter = metric.make()
        for part in (slice(0, 1), slice(1, None)):
            meter.update(made.predictions(outputs)[part], targets[part])
        found[name] = float(meter.compute())
    return found


def test_a_mean_answer_has_loss_1_in_every_unit() -> None:
    outputs = torch.zeros(4, 1)
    for scale in (1.0, 1e-3, 1e4):
        assert task(WANTED * scale).loss(outputs, WANTED * scale).item() == pytest.approx(1.0, rel=1e-5)


def test_metrics_are_in_the_unit_of_the_targets() -> None:
    made = task()
    standard = (WANTED[:, None] - 250) / WANTED.std(unbiased=False)
    off = torch.tensor([[10.0], [-10.0], [30.0], [-30.0]]) / WANTED.std(unbiased=False)
    found = measured(made, standard + off, WANTED)
    assert found["mae"] == pytest.approx(20.0, rel=1e-4)
    assert found["rmse"] == pytest.approx(500**0.5, rel=1e-4)
    assert found["r2"] == pytest.approx(1 - 2000 / 50000, rel=1e-4)
    assert [metric.higher for metric in made.metrics.values()] == [False, False, True]
    assert made.rank_by == "rmse"


def test_losses_and_metrics_of_ones_own_read_predictions_of_the_shape_of_the_targets() -> None:
    """Where each target is one number, (4, 1) beside (4,) would be stretched to (4, 4), and nothing would say so."""
    seen = []

    def loss(predictions: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append((tuple(predictions.shape), tuple(targets.shape)))
        return (predictions - targets).abs().mean()

    made = task(loss=loss)
    outputs = torch.zeros(4, 1)
    assert made.loss(outputs, WANTED).item() == pytest.approx(1.0)
    assert set(seen) == {((4,), (4,))}
    assert made.predictions(outputs).shape == WANTED.shape
    assert task(torch.eye(4)).predictions(torch.zeros(4, 4)).shape == (4, 4)


def test_several_numbers_are_standardised_each_by_its_own() -> None:
    targets = torch.tensor([[1.0, 1000.0], [3.0, 5000.0]])
    made = task(targets)
    assert made.signature.outputs == (2,)
    assert made.loss(torch.zeros(2, 2), targets).item() == pytest.approx(1.0)
    torch.testing.assert_close(made.predictions(torch.tensor([[1.0, -1.0]])), torch.tensor([[3.0, 1000.0]]))


def test_a_loss_of_ones_own_reads_the_unit_of_the_targets() -> None:
    """Off by 10 costs 10³ in the unit of the targets; always saying the mean, off by 150, 50, 50 and 150, costs 1,750,000."""
    made = task(loss=cubed)
    outputs = (torch.tensor([[110.0], [190.0], [300.0], [400.0]]) - 250) / WANTED.std(unbiased=False)
    assert made.loss(outputs, WANTED).item() == pytest.approx((2 * 1000 / 4) / 1_750_000, rel=1e-3)


def test_a_loss_of_ones_own_learns_alike_in_every_unit() -> None:
    losses, slopes = [], []
    for unit in (1.0, 1e-3, 1e4):
        outputs = torch.tensor([[0.5], [0.1], [-0.2], [0.0]], requires_grad=True)
        loss = task(WANTED * unit, loss=cubed).loss(outputs, WANTED * unit)
        slopes.append(torch.autograd.grad(loss, outputs)[0])
        losses.append(loss.item())
    assert losses[1:] == pytest.approx(losses[:1] * 2, rel=1e-4)
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(slopes[2], slopes[0], rtol=1e-4, atol=1e-6)


def test_a_loss_that_may_be_negative_is_taken_as_it_is() -> None:
    outputs = torch.zeros(4, 1)
    made = task(loss=lambda outputs, targets: -(outputs - targets).abs().mean())
    assert made.loss(outputs, WANTED).item() == pytest.approx(-100.0)


def test_outputs_of_another_shape_are_not_stretched() -> None:
    with pytest.raises(DataError, match=r"outputs are \(4, 2\) and targets \(4,\)"):
        task().loss(torch.zeros(4, 2), WANTED)
    with pytest.raises(DataError, match=r"a regression needs torch\.float32"):
        task(torch.arange(4))


def test_all_learned_keeps_the_scale() -> None:
    made = task()
    assert torch.equal(made.with_data(made.data.with_all_learned()).std, made.std)
