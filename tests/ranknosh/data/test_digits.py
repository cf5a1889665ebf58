"""The embedded sets: real pixels, disjoint sources, and scenes that are made as described."""

import numpy as np
import pytest
import torch

from ranknosh.data import load
from ranknosh.data.digits import _place, _windows, source_digits
from ranknosh.data.source import Division, divide
from ranknosh.errors import DataError
from ranknosh.streams import stream

SMALL = {"train_images": 60, "validation_images": 50, "test_images": 40}


def test_digits_are_the_real_images_each_once() -> None:
    data = load("digits")
    images, labels = source_digits()
    assert data.image_shape == (1, 8, 8)
    assert data.classes == tuple("0123456789")
    got = sorted(
        (int(label), image.numpy().tobytes())
        for part in (data.train, data.validation, data.test)
        for image, label in zip(part.images, part.labels, strict=True)
    )
    want = sorted((int(y), np.rint(x * 255).astype(np.uint8).tobytes()) for x, y in zip(images, labels, strict=True))
    assert got == want
    assert len(data.validation) == pytest.approx(0.2 * 1797, abs=5)


def test_cluttered_digits_have_the_asked_sizes_and_balanced_classes() -> None:
    data = load(**SMALL)
    assert data.name == "cluttered_digits"
    assert data.image_shape == (1, 16, 16)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [60, 50, 40]
    assert torch.bincount(data.train.labels).tolist() == [6] * 10


def test_without_clutter_and_noise_every_scene_holds_one_source_digit_of_its_own_part() -> None:
    data = load(**SMALL, clutter=0, noise=0.0, seed=5)
    images, labels = source_digits()
    sources = divide({"train": labels}, Division(seed=5), tuple("0123456789"), "digits")
    owners: dict[bytes, set[tuple[str, int]]] = {}
    for part, (_, indices) in sources.items():
        for index in indices:
            owners.setdefault(np.rint(images[index] * 255).astype(np.uint8).tobytes(), set()).add(
                (part, int(labels[index]))
            )
    places = set()
    for part in ("train", "validation", "test"):
        split = getattr(data, part)
        for image, label in zip(split.images[:, 0].numpy(), split.labels.tolist(), strict=True):
            found = [
                (top, left)
                for top in range(9)
                for left in range(9)
                if (part, label) in owners.get(image[top : top + 8, left : left + 8].tobytes(), ())
                and image.sum(dtype=int) == image[top : top + 8, left : left + 8].sum(dtype=int)
            ]
            assert len(found) == 1
            places.add(found[0])
    assert {top for top, _ in places} == set(range(9)) == {left for _, left in places}


def test_clutter_only_adds_and_noise_spreads() -> None:
    clean = load(**SMALL, clutter=0, noise=0.0).train.images.float()
    cluttered = load(**SMALL, clutter=6, noise=0.0).train.images.float()
    noisy = load(**SMALL, clutter=0, noise=0.2).train.images.float()
    assert bool((cluttered >= clean).all())
    added = (cluttered > clean).float().sum((1, 2, 3))
    assert 0 < float(added.mean()) <= 6 * 16
    inner = (clean > 0.3 * 255) & (clean < 0.7 * 255)  # where clipping at 0 and 1 hardly bites
    assert float((noisy - clean)[inner].std() / 255) == pytest.approx(0.2, rel=0.15)


def test_the_seed_decides_the_scenes() -> None:
    assert load(**SMALL, seed=1).fingerprint == load(**SMALL, seed=1).fingerprint
    assert load(**SMALL, seed=1).fingerprint != load(**SMALL, seed=2).fingerprint


def test_windows_and_places_against_brute_force() -> None:
    images = stream(0, "test").random((30, 8, 8))
    windows = images[_windows(images, 3, stream(1, "test"))]
    canvas = np.full((30, 10, 10), 0.5)
    _place(canvas, windows, stream(2, "test"))
    for image, window, scene in zip(images, windows, canvas, strict=True):
        cuts = [image[i : i + 3, j : j + 3] for i in range(6) for j in range(6)]
        assert sum(np.array_equal(window, cut) for cut in cuts) == 1
        fits = []
        for i in range(8):
            for j in range(8):
                expected = np.full((10, 10), 0.5)
                expected[i : i + 3, j : j + 3] = np.maximum(0.5, window)
                fits.append(np.array_equal(scene, expected))
        assert any(fits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_images": 5}, "data.train_images is 5"),
        ({"validation_images": 100.0}, "data.validation_images is 100.0"),
        ({"clutter": -1}, "data.clutter is -1"),
        ({"noise": 1.5}, "data.noise is 1.5"),
        ({"noise": "loud"}, "data.noise is 'loud'"),
        ({"test": 0.0}, "data.test is 0"),
        ({"clutterr": 3}, "did you mean clutter"),
    ],
)
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(**options)


def test_digits_have_no_options_of_their_own_and_can_be_resized() -> None:
    with pytest.raises(DataError, match="digits has no option 'clutter'"):
        load("digits", clutter=2)
    assert load("digits", resize=12).image_shape == (1, 12, 12)
