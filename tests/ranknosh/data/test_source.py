"""From a source to three parts: refusals come before images are fetched, and only what is kept is fetched."""

import numpy as np
import pytest
import torch

from ranknosh.data.partition import Division, Indices
from ranknosh.data.source import ImageSource, build, resized
from ranknosh.errors import DataError

LABELS = np.arange(30, dtype=np.int64) % 3


def never(part: str, indices: Indices) -> torch.Tensor:
    raise AssertionError("no image may be read")


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        (("a",), {"train": LABELS * 0}, "only one class"),
        (("a", "b"), {"train": LABELS}, r"train labels lie in 0\.\.2"),
        (("a", "b", "c"), {"train": LABELS, "test": LABELS[:0]}, "test part is empty"),
        (("a", "b", "c"), {"train": LABELS[:4]}, "too few"),
    ],
)
def test_labels_are_judged_before_any_image_is_read(classes: tuple, labels: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build(ImageSource("toy", classes, labels, never), Division())


def test_only_kept_images_are_fetched_and_stay_with_their_labels() -> None:
    asked: list[int] = []

    def fetch(part: str, indices: Indices) -> torch.Tensor:
        asked.extend(indices.tolist())
        return torch.from_numpy(indices.astype(np.uint8))[:, None, None, None].expand(-1, 1, 2, 2).clone()

    data = build(ImageSource("toy", ("a", "b", "c"), {"train": LABELS}, fetch, title="set"), Division(limits=(6, 3, 3)))
    assert len(asked) == len(set(asked)) == 12
    assert data.name == "set"
    for part in (data.train, data.validation, data.test):
        assert torch.equal(part.images[:, 0, 0, 0].long() % 3, part.labels)


def test_resized_scales_the_shorter_side_and_keeps_the_middle() -> None:
    tall = torch.zeros(2, 1, 30, 6, dtype=torch.uint8)
    tall[:, :, 12:18] = 90
    assert torch.equal(resized(tall, 3)[:, :, 1], torch.full((2, 1, 3), 90, dtype=torch.uint8))
    assert resized(tall, 12).shape == (2, 1, 12, 12)
    blocks = torch.tensor([[10, 50], [90, 250]], dtype=torch.uint8).repeat_interleave(8, 0).repeat_interleave(8, 1)
    corners = resized(blocks[None, None], 4)[0, 0]
    assert corners[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [10, 50, 90, 250]
    assert torch.equal(resized(tall[:, :, 12:18], 6), tall[:, :, 12:18])
