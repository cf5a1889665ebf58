"""Augmentation against brute force, image by image."""

import pytest
import torch

from ranknosh.data.augment import crop_flip, cutout


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
