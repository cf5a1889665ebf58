"""The embedded sets: real pixels, disjoint sources, and scenes that are made as described."""

from typing import Any

import numpy as np
import pytest
import torch

from ranknosh.errors import ConfigError
from ranknosh.streams import stream
from ranknosh.tasks.data import Data
from ranknosh.tasks.data.digits import _place, _windows, source_digits
from ranknosh.tasks.data.source import cut
from tests.image_sets import load

SMALL = {"train_images": 60, "validation_images": 50, "test_images": 40}


def scenes(seed: int = 0, **options: Any) -> Data:
    return load("cluttered_digits", seed=seed, options={**SMALL, **options})


def test_digits_are_the_real_images_each_once() -> None:
    data = load("digits")
    images, labels = source_digits()
    assert data.input_shape == (1, 8, 8)
    assert data.classes == tuple("0123456789")
    got = sorted(
        (int(label), image.numpy().tobytes())
        for part in (data.train, data.validation, data.test)
        for image, label in zip(part.inputs, part.targets, strict=True)
    )
    want = sorted((int(y), np.rint(x * 255).astype(np.uint8).tobytes()) for x, y in zip(images, labels, strict=True))
    assert got == want
    assert len(data.validation) == pytest.approx(0.2 * 1797, abs=5)


def test_cluttered_digits_have_the_asked_sizes_and_balanced_classes() -> None:
    data = scenes()
    assert data.name == "cluttered_digits"
    assert data.input_shape == (1, 16, 16)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [60, 50, 40]
    assert torch.bincount(data.train.targets).tolist() == [6] * 10


def test_without_clutter_and_noise_every_scene_holds_one_source_digit_of_its_own_part() -> None:
    data = scenes(5, clutter=0, noise=0.0)
    images, labels = source_digits()
    sources = cut(labels, {"validation": 0.2, "test": 0.2}, 5, tuple("0123456789"), "digits")
    owners: dict[bytes, set[tuple[str, int]]] = {}
    for part, indices in sources.items():
        for index in indices:
            owners.setdefault(np.rint(images[index] * 255).astype(np.uint8).tobytes(), set()).add(
                (part, int(labels[index]))
            )
    places = set()
    for part in ("train", "validation", "test"):
        split = getattr(data, part)
        for image, label in zip(split.inputs[:, 0].numpy(), split.targets.tolist(), strict=True):
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
    clean = scenes(clutter=0, noise=0.0).train.inputs.float()
    cluttered = scenes(clutter=6, noise=0.0).train.inputs.float()
    noisy = scenes(clutter=0, noise=0.2).train.inputs.float()
    assert bool((cluttered >= clean).all())
    added = (cluttered > clean).float().sum((1, 2, 3))
    assert 0 < float(added.mean()) <= 6 * 16
    inner = (clean > 0.3 * 255) & (clean < 0.7 * 255)  # where clipping at 0 and 1 hardly bites
    assert float((noisy - clean)[inner].std() / 255) == pytest.approx(0.2, rel=0.15)


def test_the_seed_decides_the_scenes() -> None:
    assert scenes(1).fingerprint == scenes(1).fingerprint
    assert scenes(1).fingerprint != scenes(2).fingerprint


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
        ({"train_images": 5}, "data.options: train_images is 5; it must be a whole number, at least 10"),
        ({"validation_images": 100.0}, "validation_images is 100.0"),
        ({"clutter": -1}, "clutter is -1; it must be a whole number, at least 0 and at most 64"),
        ({"noise": 1.5}, "noise is 1.5"),
        ({"noise": "loud"}, "noise is 'loud'; it must be a number"),
        ({"clutterr": 3}, "clutterr is not a setting; did you mean clutter"),
    ],
)
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        scenes(**options)


def test_digits_can_be_resized() -> None:
    assert load("digits", resize=12).input_shape == (1, 12, 12)


def test_masks_are_the_pixels_of_the_whole_digit() -> None:
    options = {"train_images": 40, "validation_images": 20, "test_images": 20, "noise": 0.0}
    alone = load("digit_masks", options={**options, "clutter": 0})
    assert alone.train.target_shape == (16, 16)
    assert alone.classes == ("ground", "digit")
    assert torch.equal(alone.train.targets.bool(), alone.train.inputs[:, 0] >= 64)  # a quarter of 255
    scenes = load("cluttered_digits", options={**options, "clutter": 6})
    cluttered = load("digit_masks", options={**options, "clutter": 6})
    assert torch.equal(scenes.train.inputs, cluttered.train.inputs)
    mask = cluttered.train.targets.bool()
    # The digits lie where they lay without clutter; fragments hide some of their pixels and show none of their own.
    assert not (mask & ~alone.train.targets.bool()).any()
    assert 0.5 < mask.sum() / alone.train.targets.sum() < 1.0
    assert torch.equal(cluttered.train.inputs[:, 0][mask], alone.train.inputs[:, 0][mask])
    assert ((cluttered.train.inputs[:, 0] >= 64) & ~mask).any()


def test_masks_are_brought_to_a_side_with_their_pictures() -> None:
    data = load("digit_masks", resize=32, options={"train_images": 20, "validation_images": 20, "test_images": 20})
    assert data.input_shape == (1, 32, 32)
    assert data.train.target_shape == (32, 32)
    assert set(data.train.targets.unique().tolist()) == {0, 1}
