"""Splits, statistics and fingerprints."""

import numpy as np
import pytest
import torch

from ranknosh.data.base import ImageData, Split, assemble, check_labels, statistics
from ranknosh.errors import DataError


def made(pixels: torch.Tensor, labels: list[int]) -> Split:
    return Split(pixels, torch.tensor(labels))


def noise(count: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randint(
        0, 256, (count, channels, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def data(
    train: torch.Tensor | None = None, labels: tuple[int, ...] = (0, 1, 0, 1), classes: tuple[str, ...] = ("a", "b")
) -> ImageData:
    parts = [
        made(noise(4) if train is None else train, list(labels)),
        made(noise(2, seed=1), [0, 1]),
        made(noise(2, seed=2), [1, 1]),
    ]
    return assemble("toy", parts, classes)


def test_statistics_are_those_of_the_pixels_over_255() -> None:
    images = noise(50, 3)
    mean, std = statistics(images)
    pixels = images.double().numpy() / 255
    np.testing.assert_allclose(mean.numpy(), pixels.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std.numpy(), pixels.std((0, 2, 3)), rtol=1e-6)
    assert mean.dtype == std.dtype == torch.float32


def test_a_constant_channel_is_centred_and_not_divided_by_zero() -> None:
    images = noise(6, 2)
    images[:, 1] = 51
    mean, std = statistics(images)
    assert mean[1] == pytest.approx(0.2)
    assert std[1] == 1.0
    assert std[0] != 1.0


def test_statistics_come_from_the_training_part_only() -> None:
    mean, _ = statistics(noise(4))
    assert torch.equal(data().mean, mean)
    assert not torch.equal(mean, statistics(noise(2, seed=1))[0])


def test_image_shape_and_length() -> None:
    assert data().image_shape == (1, 4, 5)
    assert (len(data().train), len(data().validation), len(data().test)) == (4, 2, 2)


def test_fingerprint_follows_every_content_and_nothing_else() -> None:
    pixel = noise(4)
    pixel[0, 0, 0, 0] ^= 1
    prints = {
        data().fingerprint,
        data(train=pixel).fingerprint,
        data(labels=(1, 0, 0, 1)).fingerprint,
        data(classes=("a", "c")).fingerprint,
    }
    assert len(prints) == 4
    assert data().fingerprint == data().fingerprint
    assert len(data().fingerprint) == 40


def test_a_split_refuses_wrong_types_and_lengths() -> None:
    with pytest.raises(DataError, match=r"must be \(n, C, H, W\) torch.uint8"):
        Split(torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(DataError, match=r"must be \(n, C, H, W\) torch.uint8"):
        Split(torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(DataError, match=r"must be \(2,\) torch.int64"):
        Split(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))


def test_a_class_without_training_images_is_named() -> None:
    with pytest.raises(DataError, match=r"no training image of 1 of 3 classes \(c\)"):
        data(classes=("a", "b", "c"))


def test_parts_of_different_shape_are_refused() -> None:
    parts = [made(noise(2), [0, 1]), made(noise(2, 3), [0, 1]), made(noise(2), [0, 1])]
    with pytest.raises(DataError, match=r"validation images are \(3, 4, 5\).*training images are \(1, 4, 5\)"):
        assemble("toy", parts, ("a", "b"))


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 0], ("a",), "only one class"),
        ([0, 2], ("a", "b"), r"train labels lie in 0\.\.2"),
        ([-1, 1], ("a", "b"), r"train labels lie in -1\.\.1"),
        ([], ("a", "b"), "train part is empty"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(labels: list[int], classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_labels("toy", {"train": np.array(labels, dtype=np.int64)}, classes)


def test_all_images_are_training_and_validation_together():
    apart = data()
    both = apart.with_all_images()
    assert torch.equal(both.train.images, torch.cat([apart.train.images, apart.validation.images]))
    assert torch.equal(both.train.labels, torch.cat([apart.train.labels, apart.validation.labels]))
    assert both.validation is apart.validation
    assert both.test is apart.test
    pixels = both.train.images.double() / 255
    torch.testing.assert_close(both.mean.double(), pixels.mean((0, 2, 3)), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(both.std.double(), pixels.std((0, 2, 3), unbiased=False), rtol=1e-6, atol=1e-7)
