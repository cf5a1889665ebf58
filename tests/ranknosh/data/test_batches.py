"""Batches: order, sizes, normalisation, and where augmentation stands."""

import pytest
import torch

from ranknosh.data import Split, batches
from ranknosh.data.batches import crop_flip, cutout
from ranknosh.errors import DataError

MEAN, STD = torch.tensor([0.5, 0.25]), torch.tensor([0.2, 0.1])


@pytest.fixture
def split() -> Split:
    images = torch.randint(0, 256, (10, 2, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Split(images, torch.arange(10))


def normal(images: torch.Tensor) -> torch.Tensor:
    return (images.float() / 255 - MEAN[:, None, None]) / STD[:, None, None]


def test_all_images_once_in_their_order_with_a_short_last_batch(split: Split) -> None:
    found = list(batches(split, batch=4, mean=MEAN, std=STD))
    assert [len(labels) for _, labels in found] == [4, 4, 2]
    assert torch.equal(torch.cat([labels for _, labels in found]), torch.arange(10))
    torch.testing.assert_close(torch.cat([images for images, _ in found]), normal(split.images))


def test_the_callers_order_decides(split: Split) -> None:
    order = torch.tensor([7, 2, 2, 9, 0])
    found = list(batches(split, batch=2, order=order, mean=MEAN, std=STD))
    assert [labels.tolist() for _, labels in found] == [[7, 2], [2, 9], [0]]
    torch.testing.assert_close(torch.cat([images for images, _ in found]), normal(split.images[order]))


def test_crop_comes_before_normalising_and_cutout_after(split: Split) -> None:
    (images, _), *rest = batches(
        split, batch=10, augment="crop_flip_cutout", generator=torch.Generator().manual_seed(3), mean=MEAN, std=STD
    )
    again = torch.Generator().manual_seed(3)
    torch.testing.assert_close(images, cutout(normal(crop_flip(split.images, again)), again))
    assert not rest


@pytest.mark.parametrize("augment", ["crop_flip", "cutout"])
def test_single_augmentations_and_fresh_draws_for_every_batch(split: Split, augment: str) -> None:
    order = torch.zeros(8, dtype=torch.int64)
    found = [
        images
        for images, _ in batches(
            split, batch=4, order=order, augment=augment, generator=torch.Generator().manual_seed(1), mean=MEAN, std=STD
        )
    ]
    again = torch.Generator().manual_seed(1)
    for images in found:
        same = split.images[order[:4]]
        expected = normal(crop_flip(same, again)) if augment == "crop_flip" else cutout(normal(same), again)
        torch.testing.assert_close(images, expected)
    assert not torch.equal(found[0], found[1])


def test_layout_and_types(split: Split) -> None:
    images, labels = next(batches(split, batch=4, mean=MEAN, std=STD, channels_last=True))
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.dtype == torch.int64
    images, _ = next(batches(split, batch=4, mean=MEAN, std=STD))
    assert images.is_contiguous()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augment": "mirror"}, "train.augment is 'mirror'; known are none, crop_flip"),
        ({"augment": "cutout"}, "needs a generator"),
        ({"batch": 0}, "train.batch is 0"),
    ],
)
def test_bad_settings_are_refused_at_once(split: Split, settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        batches(split, **{"batch": 4, "mean": MEAN, "std": STD, **settings})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_makes_the_same_batches_from_a_cpu_generator(split: Split) -> None:
    for home in (split, split.to("cuda")):
        pairs = zip(
            *(
                batches(
                    part,
                    batch=4,
                    augment="crop_flip_cutout",
                    generator=torch.Generator().manual_seed(0),
                    mean=MEAN,
                    std=STD,
                    device=device,
                )
                for part, device in ((split, "cpu"), (home, "cuda"))
            ),
            strict=True,
        )
        for (here, labels), (there, same) in pairs:
            torch.testing.assert_close(there.cpu(), here)
            assert torch.equal(same.cpu(), labels)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, channels: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(1, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator(9))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 24), (5, 5)])
def test_every_crop_is_a_window_of_the_padded_image_or_its_mirror(height: int, width: int) -> None:
    images = noise(200, 3, height, width)
    changed = crop_flip(images, generator())
    assert changed.shape == images.shape
    assert changed.dtype == torch.uint8
    down, across = max(1, height // 8), max(1, width // 8)
    seen = []
    for before, after in zip(images, changed, strict=True):
        padded = torch.zeros(3, height + 2 * down, width + 2 * across, dtype=torch.uint8)
        padded[:, down : down + height, across : across + width] = before
        matches = [
            (top, left, mirrored)
            for top in range(2 * down + 1)
            for left in range(2 * across + 1)
            for mirrored in (False, True)
            if torch.equal(after, _window(padded, top, left, height, width, mirrored))
        ]
        assert len(matches) == 1
        seen += matches
    assert {top for top, _, _ in seen} == set(range(2 * down + 1))
    assert {left for _, left, _ in seen} == set(range(2 * across + 1))
    flips = sum(mirrored for _, _, mirrored in seen)
    assert 70 <= flips <= 130  # binomial(200, 1/2): 4 standard deviations


def _window(padded: torch.Tensor, top: int, left: int, height: int, width: int, mirrored: bool) -> torch.Tensor:
    window = padded[:, top : top + height, left : left + width]
    return window.flip(-1) if mirrored else window


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 32), (8, 12), (7, 7)])
def test_cutout_zeroes_one_clipped_square_and_nothing_else(height: int, width: int) -> None:
    images = noise(300, 2, height, width).float()
    changed = cutout(images, generator())
    side = min(height, width) // 2
    squares = {}
    for y in range(height):
        for x in range(width):
            top, left = y - side // 2, x - side // 2
            mask = torch.zeros(height, width, dtype=torch.bool)
            mask[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = True
            squares[mask.numpy().tobytes()] = (y, x)
    seen = set()
    for before, after in zip(images, changed, strict=True):
        gone = (after == 0).all(0)
        assert torch.equal(after, before * ~gone)
        seen.add(squares[gone.numpy().tobytes()])
    assert len(seen) > min(150, height * width // 2)
    whole = sum(int((after[0] == 0).sum()) == side * side for after in changed)
    assert whole > 0


def test_the_generator_decides_and_images_are_left_alone() -> None:
    images = noise(20, 1, 16, 16)
    kept = images.clone()
    assert torch.equal(crop_flip(images, generator(1)), crop_flip(images, generator(1)))
    assert not torch.equal(crop_flip(images, generator(1)), crop_flip(images, generator(2)))
    assert torch.equal(cutout(images.float(), generator(1)), cutout(images.float(), generator(1)))
    assert not torch.equal(cutout(images.float(), generator(1)), cutout(images.float(), generator(2)))
    assert torch.equal(images, kept)


def test_the_global_generator_is_not_touched() -> None:
    before = torch.random.get_rng_state()
    crop_flip(noise(4, 1, 8, 8), generator())
    cutout(noise(4, 1, 8, 8).float(), generator())
    assert torch.equal(torch.random.get_rng_state(), before)
