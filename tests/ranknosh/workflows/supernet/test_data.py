"""Images of a supernet: training images alone, two halves, batches that are a function of seed and epoch."""

import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.workflows.supernet.assembly import SupernetData
from tests.ranknosh.workflows.supernet.supernet_samples import tiny_images

KEPT = {"device": torch.device("cpu"), "channels_last": False}


def drawn(data, part="weights", batch=8, epoch=0, seed=0, augment="none"):
    return list(data.batches(part, batch=batch, epoch=epoch, seed=seed, augment=augment, **KEPT))


def pixels(data):
    return (data.train.inputs.float() / 255 - data.preparation.mean[:, None, None]) / data.preparation.std[
        :, None, None
    ]


def test_halves_share_out_the_training_images_and_nothing_else():
    images = tiny_images()
    data = SupernetData(images)
    found = {part: torch.cat([batch for batch, _ in drawn(data, part)]) for part in ("weights", "alphas", "all")}
    assert [data.count(part) for part in ("weights", "alphas", "all")] == [16, 16, 32]
    assert data.input_shape == (3, 8, 8)

    def places(some):
        apart = torch.cdist(some.flatten(1), pixels(images).flatten(1))
        assert apart.min(1).values.max() < 0.05  # rounding; other images are 17 away
        return set(apart.argmin(1).tolist())

    assert places(found["weights"]) | places(found["alphas"]) == places(found["all"]) == set(range(32))
    assert not places(found["weights"]) & places(found["alphas"])
    labels = torch.cat([label for _, label in drawn(data)])
    assert torch.bincount(labels).tolist() == [4, 4, 4, 4]


def test_the_cut_stays_while_seeds_vary_and_split_seed_changes_it():
    images = tiny_images()

    def half(split_seed, seed):
        found = torch.cat([batch for batch, _ in drawn(SupernetData(images, split_seed=split_seed), seed=seed)])
        return sorted(found.flatten(1).sum(1).tolist())

    assert half(0, 0) == pytest.approx(half(0, 1), abs=1e-3)
    assert half(0, 0) != pytest.approx(half(1, 0), abs=1e-3)


@pytest.mark.parametrize("augment", ["none", "crop_flip", "crop_flip_cutout"])
def test_equal_arguments_give_equal_batches_and_epochs_and_seeds_do_not(augment):
    data = SupernetData(tiny_images())
    first, again = drawn(data, augment=augment), drawn(data, augment=augment)
    assert all(torch.equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in zip(first, again, strict=True))
    for other in (drawn(data, augment=augment, epoch=1), drawn(data, augment=augment, seed=1)):
        assert not torch.equal(first[0][0], other[0][0])


def test_augmentation_changes_pixels_and_not_the_order():
    data = SupernetData(tiny_images())
    plain, cropped, holed = (drawn(data, augment=a)[0] for a in ("none", "crop_flip", "crop_flip_cutout"))
    assert torch.equal(plain[1], cropped[1])
    assert not torch.equal(plain[0], cropped[0])
    assert ((holed[0] == 0).all(1).flatten(1).sum(1) >= 4).all()  # a quarter of the side or more, cut off at the border


def test_layout_is_as_asked_for():
    data = SupernetData(tiny_images())
    ((images, _), *_) = data.batches(
        "all", batch=8, epoch=0, seed=0, augment="none", device=torch.device("cpu"), channels_last=True
    )
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_too_few_images_are_refused():
    with pytest.raises(DataError, match="at least 2 a half"):
        SupernetData(tiny_images(3, classes=3))
