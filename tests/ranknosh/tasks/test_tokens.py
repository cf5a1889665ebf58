"""Predicting tokens: cross-entropy over places, and perplexity as its exponential."""

import math

import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.tokens import NextToken, SequenceClassification
from tests.ranknosh.tasks.task_samples import generator, of, rows

TOKENS = torch.randint(0, 5, (8, 7), generator=generator(1))
TEXT = of(TOKENS[:, :-1], TOKENS[:, 1:])
OUTPUTS = torch.randn(8, 6, 5, generator=generator(2))


def test_the_loss_is_the_mean_over_places_and_perplexity_its_exponential() -> None:
    task = NextToken(TEXT)
    assert task.signature.outputs == (6, 5)
    assert (task.signature.dtype, task.signature.vocabulary) == ("int64", 5)
    places = [
        -OUTPUTS[row, place].log_softmax(0)[TOKENS[row, place + 1]].item() for row in range(8) for place in range(6)
    ]
    assert task.loss(OUTPUTS, TOKENS[:, 1:]).item() == pytest.approx(sum(places) / 48, rel=1e-5)
    found = {}
    for name, metric in task.metrics.items():
        meter = metric.make()
        meter.update(OUTPUTS[:3], TOKENS[:3, 1:])
        meter.update(OUTPUTS[3:], TOKENS[3:, 1:])
        found[name] = float(meter.compute())
    assert found["perplexity"] == pytest.approx(math.exp(sum(places) / 48), rel=1e-5)
    assert found["accuracy"] == pytest.approx(float((OUTPUTS.argmax(2) == TOKENS[:, 1:]).float().mean()))
    assert task.rank_by == "perplexity"
    assert task.direction("perplexity") == -1


def test_padding_is_not_learned() -> None:
    padded = TOKENS[:, 1:].clone()
    padded[:, 3:] = -100
    short = torch.nn.functional.cross_entropy(OUTPUTS[:, :3].flatten(0, 1), TOKENS[:, 1:4].flatten())
    torch.testing.assert_close(NextToken(TEXT).loss(OUTPUTS, padded), short)


def test_a_class_for_a_sequence() -> None:
    task = NextToken.of(of(TOKENS, torch.arange(8) % 2, ("no", "yes")))
    assert isinstance(task, SequenceClassification)
    assert task.signature.outputs == (2,)
    assert task.signature.vocabulary == 5


def test_what_is_no_sequence_of_tokens_is_refused() -> None:
    with pytest.raises(DataError, match=r"needs both \(n, length\).*read as numbers: leave out the task tokens"):
        NextToken(of(rows(), torch.zeros(12, 3)))
    with pytest.raises(DataError, match=r"needs both \(n, length\).*give targets of that shape"):
        NextToken(of(TOKENS, TOKENS[:, 1:]))
