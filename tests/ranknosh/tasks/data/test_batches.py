"""Batches: order, sizes, normalisation, and where augmentation stands."""

import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.data import Split, batches
from ranknosh.tasks.data.preparation import IGNORED, Numbers, Pictures, crop_flip, cutout, moved

MEAN, STD = torch.tensor([0.5, 0.25]), torch.tensor([0.2, 0.1])
PREPARED = Pictures(MEAN, STD)


@pytest.fixture
def split() -> Split:
    images = torch.randint(0, 256, (10, 2, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Split(images, torch.arange(10))


def normal(images: torch.Tensor) -> torch.Tensor:
    return (images.float() / 255 - MEAN[:, None, None]) / STD[:, None, None]


def test_all_images_once_in_their_order_with_a_short_last_batch(split: Split) -> None:
    found = list(batches(split, PREPARED, batch=4))
    assert [len(labels) for _, labels in found] == [4, 4, 2]
    assert torch.equal(torch.cat([labels for _, labels in found]), torch.arange(10))
    torch.testing.assert_close(torch.cat([images for images, _ in found]), normal(split.inputs))


def test_the_callers_order_decides(split: Split) -> None:
    order = torch.tensor([7, 2, 2, 9, 0])
    found = list(batches(split, PREPARED, batch=2, order=order))
    assert [labels.tolist() for _, labels in found] == [[7, 2], [2, 9], [0]]
    torch.testing.assert_close(torch.cat([images for images, _ in found]), normal(split.inputs[order]))


def test_crop_comes_before_normalising_and_cutout_after(split: Split) -> None:
    (images, _), *rest = batches(
        split, PREPARED, batch=10, augment="crop_flip_cutout", generator=torch.Generator().manual_seed(3)
    )
    again = torch.Generator().manual_seed(3)
    torch.testing.assert_close(images, cutout(normal(crop_flip(split.inputs, again)), again))
    assert not rest


def test_randaugment_is_torchvisions_for_each_picture_between_crop_and_normalising() -> None:
    v2 = pytest.importorskip("torchvision.transforms.v2")
    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    prepared = Pictures.of(pixels)
    state = torch.get_rng_state()
    given = {"batch": 6, "augment": "crop_flip", "randaugment": 9, "generator": torch.Generator().manual_seed(3)}
    (found, _), *_ = batches(Split(pixels, torch.arange(6)), prepared, **given)
    assert torch.equal(torch.get_rng_state(), state)
    again = torch.Generator().manual_seed(3)
    cropped = crop_flip(pixels, again)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=again)))
        changed = torch.stack([v2.RandAugment(num_ops=2, magnitude=9)(picture) for picture in cropped])
    torch.testing.assert_close(found, (changed / 255 - prepared.mean[:, None, None]) / prepared.std[:, None, None])
    assert sum(not torch.equal(one, other) for one, other in zip(changed, cropped, strict=True)) >= 3
    assert not torch.equal(changed, torch.stack([v2.RandAugment(2, 30)(picture) for picture in cropped]))


def test_randaugment_is_refused_where_pictures_cannot_be_changed(split: Split) -> None:
    generator = torch.Generator()
    masks = Split(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, 8, 8, dtype=torch.int64))
    for given, preparation, message in (
        (split, PREPARED, "grey or RGB pictures, and these have 2 channels"),
        (masks, Pictures.of(masks.inputs), "a value for every pixel"),
        (Split(torch.zeros(2, 3), torch.arange(2)), Numbers(torch.zeros(3), torch.ones(3)), "the inputs are numbers"),
    ):
        with pytest.raises(DataError, match=rf"train\.randaugment.*{message}.*write train\.randaugment: 0"):
            next(iter(batches(given, preparation, batch=2, randaugment=9, generator=generator)))


@pytest.mark.parametrize("augment", ["crop_flip", "cutout"])
def test_single_augmentations_and_fresh_draws_for_every_batch(split: Split, augment: str) -> None:
    order = torch.zeros(8, dtype=torch.int64)
    found = [
        images
        for images, _ in batches(
            split, PREPARED, batch=4, order=order, augment=augment, generator=torch.Generator().manual_seed(1)
        )
    ]
    again = torch.Generator().manual_seed(1)
    for images in found:
        same = split.inputs[order[:4]]
        expected = normal(crop_flip(same, again)) if augment == "crop_flip" else cutout(normal(same), again)
        torch.testing.assert_close(images, expected)
    assert not torch.equal(found[0], found[1])


def test_layout_and_types(split: Split) -> None:
    images, labels = next(batches(split, PREPARED, batch=4, channels_last=True))
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.dtype == torch.int64
    images, _ = next(batches(split, PREPARED, batch=4))
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
        batches(split, PREPARED, **{"batch": 4, **settings})


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_makes_the_same_batches_from_a_cpu_generator(split: Split) -> None:
    for home in (split, split.to("cuda")):
        pairs = zip(
            *(
                batches(
                    part,
                    PREPARED,
                    batch=4,
                    augment="crop_flip_cutout",
                    generator=torch.Generator().manual_seed(0),
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


def test_maps_of_classes_move_with_their_pictures_and_their_border_is_not_learned() -> None:
    pictures = noise(50, 1, 16, 16)
    maps = pictures[:, 0].long()
    windows, seen = moved(pictures, maps, generator(1))
    assert torch.equal(windows, crop_flip(pictures, generator(1)))
    border = seen == IGNORED
    assert torch.equal(seen[~border], windows[:, 0][~border].long())
    assert torch.equal(border, windows[:, 0] == 0)  # the noise holds no 0, so that zeros are padding
    assert border.any()
    assert torch.equal(moved(pictures, torch.arange(50), generator(1))[1], torch.arange(50))


def test_pictures_of_numbers_are_not_moved() -> None:
    pictures = noise(2, 1, 8, 8)
    with pytest.raises(DataError, match=r"train\.augment: none"):
        moved(pictures, pictures.float(), generator())


def test_numbers_have_no_augmentation() -> None:
    rows = Split(torch.arange(6.0).reshape(3, 2), torch.arange(3))
    prepared = Numbers.of(rows.inputs)
    with pytest.raises(DataError, match=r"changes pictures, and the inputs are numbers; write train\.augment: none"):
        batches(rows, prepared, batch=2, augment="cutout", generator=generator())
    found = torch.cat([inputs for inputs, _ in batches(rows, prepared, batch=2)])
    torch.testing.assert_close(found, (rows.inputs - rows.inputs.mean(0)) / rows.inputs.std(0, unbiased=False))
