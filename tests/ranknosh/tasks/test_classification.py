"""Classification: loss and metrics against values worked out by hand."""

import math

import pytest
import torch

from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.classification import Classification
from tests.ranknosh.tasks.task_samples import classes, of, rows

LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.5]])
WANTED = torch.tensor([0, 1, 2, 2])


def value(task: Classification, name: str) -> float:
    meter = task.known[name].make()
    meter.update(LOGITS[:3], WANTED[:3])
    meter.update(LOGITS[3:], WANTED[3:])
    return float(meter.compute())


def test_the_loss_is_the_mean_cross_entropy_and_smoothing_spreads_the_target() -> None:
    by_hand = [
        math.log(math.exp(2) + 2) - 2,
        math.log(math.e + 2) - 1,
        math.log(math.exp(3) + 2),
        math.log(math.exp(0.5) + 2) - 0.5,
    ]
    plain = Classification(classes())
    assert plain.loss(LOGITS, WANTED).item() == pytest.approx(sum(by_hand) / 4, rel=1e-6)
    smooth = Classification(classes(), label_smoothing=0.3)
    spread = -LOGITS.log_softmax(1).mean(1).mean().item()
    assert smooth.loss(LOGITS, WANTED).item() == pytest.approx(0.7 * sum(by_hand) / 4 + 0.3 * spread, rel=1e-6)
    assert smooth.evaluation_loss(LOGITS, WANTED).item() == pytest.approx(sum(by_hand) / 4, rel=1e-6)


def test_accuracy_f1_and_auroc_over_batches() -> None:
    task = Classification(classes())
    assert value(task, "accuracy") == 0.75
    # Class 0: 1 of 1 found, none wrongly; class 1: 1 of 1, one wrongly; class 2: 1 of 2, none wrongly.
    assert value(task, "f1") == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert 0.5 < value(task, "auroc") <= 1
    assert task.rank_by == "accuracy"
    assert list(task.metrics) == ["accuracy"]


def test_auroc_reads_probabilities_even_of_logits_between_0_and_1() -> None:
    meter = Classification(classes()).known["auroc"].make()
    # Class 0 is told by its share, not by its logit: both logits of class 0 are equal.
    meter.update(torch.tensor([[0.5, 0.0, 0.0], [0.5, 1.0, 1.0], [0.5, 1.0, 0.0]]), torch.tensor([0, 2, 1]))
    assert float(meter.compute()) > 0.75


def test_the_signature_is_that_of_the_data() -> None:
    signature = Classification(classes()).signature
    assert (signature.inputs, signature.outputs, signature.dtype) == ((3,), (3,), "float32")
    unnamed = Classification(of(rows(), torch.arange(12) % 4))
    assert unnamed.signature.outputs == (4,)


def test_what_is_no_classification_is_refused() -> None:
    with pytest.raises(DataError, match=r"needs one class number an example, \(n,\) torch\.int64"):
        Classification(of(rows(), torch.zeros(12, 2)))
    with pytest.raises(ConfigError, match=r"task\.label_smoothing is 1\.5"):
        Classification(classes(), label_smoothing=1.5)
