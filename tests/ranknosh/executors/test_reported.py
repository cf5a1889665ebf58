"""What a training may report, and what is said of everything else."""

from fractions import Fraction

import numpy as np
import pytest

from ranknosh.executors.reported import NotFinite, Ranking

ACCURACY = Ranking("accuracy", higher=True)


def test_metrics_keep_their_own_direction_and_the_ranking_value_is_better_when_higher():
    read = Ranking("loss", higher=False).read({"accuracy": 1, "loss": 0.25, "costs": {"params": 12}})
    assert (read.metric, dict(read.metrics), dict(read.costs)) == (
        -0.25,
        {"loss": 0.25, "accuracy": 1.0},
        {"params": 12.0},
    )
    assert list(read.metrics) == ["loss", "accuracy"]


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), Fraction(1, 2)])
def test_one_number_is_the_ranking_metric(value):
    assert ACCURACY.read(value) == ACCURACY.read({"accuracy": 0.5})


def test_a_tensor_is_a_number():
    torch = pytest.importorskip("torch")
    assert ACCURACY.read({"accuracy": torch.tensor(0.5, requires_grad=True)}).metric == 0.5


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"loss": 1.0}, "it reports loss, and not accuracy, by which candidates are ranked"),
        ({}, "it reports nothing, and not accuracy"),
        (None, "accuracy is None, which is no number"),
        ("0.9", "accuracy is '0.9', which is no number"),
        ({"accuracy": True}, "accuracy is True, which is no number"),
        ({"accuracy": [0.1, 0.2]}, r"accuracy is \[0\.1, 0\.2\], which is no number"),
        ({"accuracy": 0.9, 3: 0.1}, "3 is no name"),
        ({"accuracy": 0.9, "costs": 3}, "costs is 3; it must be a mapping"),
        ({"accuracy": 0.9, "costs": {"params": "many"}}, r"costs\.params is 'many', which is no number"),
    ],
)
def test_what_is_no_mapping_of_numbers_is_refused(report, message):
    with pytest.raises(ValueError, match=message) as caught:
        ACCURACY.read(report)
    assert not isinstance(caught.value, NotFinite)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (float("nan"), "accuracy is nan"),
        ({"accuracy": 0.9, "loss": float("inf")}, "loss is inf"),
        ({"accuracy": 0.9, "costs": {"latency": float("nan")}}, r"costs\.latency is nan"),
    ],
)
def test_numbers_that_are_not_finite_are_told_apart(report, message):
    with pytest.raises(NotFinite, match=message):
        ACCURACY.read(report)


def test_texts_are_json():
    assert ACCURACY.parse('{"accuracy": 0.5}\n').metric == 0.5
    assert ACCURACY.parse("0.5").metric == 0.5
    for text in (
        '{"accuracy": NaN}',
        '{"accuracy": -nan}',
        '{"accuracy":inf}',
        "nan",
        '{"accuracy": 1, "nan": -Infinity}',
    ):
        with pytest.raises(NotFinite):
            ACCURACY.parse(text)
    assert ACCURACY.parse('{"accuracy": 0.5, "nan": 1, "inf count": 2}').metrics["nan"] == 1
    with pytest.raises(ValueError, match=r"it is no JSON .*: 'accuracy=0.5'; write for example \{\"accuracy\": 0.9\}"):
        ACCURACY.parse("accuracy=0.5")
    with pytest.raises(ValueError, match=r"it is no JSON that can be read \(nested too deeply\): '\[\["):
        ACCURACY.parse("[" * 100_000)
