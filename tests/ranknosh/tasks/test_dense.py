"""Segmentation and pictures of numbers, against a brute-force count."""

import pytest
import torch

from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.dense import PictureToPicture, Segmentation
from tests.ranknosh.tasks.task_samples import generator, of, pictures

MAPS = torch.randint(0, 3, (6, 4, 4), generator=generator(1))
OUTPUTS = torch.randn(6, 3, 4, 4, generator=generator(2))


def measured(task: Segmentation, targets: torch.Tensor) -> dict[str, float]:
    found = {}
    for name, metric in task.metrics.items():
        meter = metric.make()
        for part in (slice(0, 2), slice(2, None)):
            meter.update(OUTPUTS[part], targets[part])
        found[name] = float(meter.compute())
    return found


def by_hand(targets: torch.Tensor, ignored: int | None = None) -> dict[str, float]:
    counted = torch.ones_like(targets, dtype=torch.bool) if ignored is None else targets != ignored
    told, wanted = OUTPUTS.argmax(1)[counted], targets[counted]
    shares = []
    for label in range(3):
        both, either = ((told == label) & (wanted == label)).sum(), ((told == label) | (wanted == label)).sum()
        shares.append(float(both) / float(either))
    return {"iou": sum(shares) / 3, "accuracy": float((told == wanted).sum()) / len(wanted)}


def test_iou_and_accuracy_are_those_of_a_count() -> None:
    task = Segmentation(of(pictures(), MAPS))
    assert task.signature.outputs == (3, 4, 4)
    assert measured(task, MAPS) == pytest.approx(by_hand(MAPS))
    assert task.rank_by == "iou"


def test_what_is_ignored_is_neither_learned_nor_counted() -> None:
    marked = MAPS.clone()
    marked[:, 0] = 255
    with pytest.raises(DataError, match=r"class numbers up to 255.*|2 to 1000 classes"):
        Segmentation(of(pictures(), marked * 1000))
    task = Segmentation(of(pictures(), marked), ignore=255)
    assert task.signature.outputs == (3, 4, 4)
    assert measured(task, marked) == pytest.approx(by_hand(marked, 255))
    other = OUTPUTS.clone()
    other[:, :, 0] += torch.tensor([5.0, 0.0, 0.0])[None, :, None]
    assert torch.equal(task.loss(OUTPUTS, marked), task.loss(other, marked))
    plain = torch.nn.functional.cross_entropy(OUTPUTS[:, :, 1:], MAPS[:, 1:])
    torch.testing.assert_close(task.loss(OUTPUTS, marked), plain)
    nothing = torch.full_like(MAPS, 255)
    assert task.loss(OUTPUTS, nothing).item() == 0.0
    with pytest.raises(ConfigError, match=r"task\.ignore is '255'"):
        Segmentation(of(pictures(), marked), ignore="255")  # type: ignore[arg-type]


def test_maps_of_floats_are_learned_as_numbers() -> None:
    wanted = torch.randn(6, 1, 4, 4, generator=generator(3)) * 50 + 10
    task = Segmentation.of(of(pictures(), wanted))
    assert isinstance(task, PictureToPicture)
    assert task.settings["name"] == "dense"
    assert task.signature.outputs == (1, 4, 4)
    assert task.loss(torch.zeros(6, 1, 4, 4), wanted).item() == pytest.approx(1.0, rel=1e-5)
    assert list(task.metrics) == ["rmse", "mae", "r2"]
