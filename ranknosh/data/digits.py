"""scikit-learn's 1,797 real 8x8 digits, as they are and as small objects in cluttered scenes. Both need no download."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.data.base import PARTS, ImageData, check_whole
from ranknosh.data.source import Division, build, divide
from ranknosh.errors import DataError, MissingDependency
from ranknosh.streams import stream

CLASSES = tuple("0123456789")
_SIDE = 8
_CANVAS = 16
_FRAGMENT = 4
Pixels = NDArray[np.float64]


def source_digits() -> tuple[Pixels, NDArray[np.int64]]:
    """Images (1797, 8, 8) in [0, 1] and labels (1797,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependency("scikit-learn", "the digits data set") from error
    images, labels = load_digits(return_X_y=True)
    return images.reshape(-1, _SIDE, _SIDE) / 16.0, labels.astype(np.int64)


def digits(division: Division, resize: int | None = None) -> ImageData:
    """The real digits, (1, 8, 8), values 0..16 stretched to 0..255."""
    images, labels = source_digits()
    pixels = torch.from_numpy(np.rint(images * 255).astype(np.uint8))[:, None]
    return build("digits", CLASSES, {"train": labels}, lambda part, kept: pixels[kept], division, resize=resize)


def cluttered_digits(
    division: Division,
    *,
    resize: int | None = None,
    train_images: int = 2000,
    validation_images: int = 2000,
    test_images: int = 2000,
    clutter: int = 4,
    noise: float = 0.1,
) -> ImageData:
    """Real digits at random places of a 16x16 canvas among fragments of other digits and noise, (1, 16, 16).

    The recipe of cluttered MNIST (Mnih et al., Recurrent Models of Visual Attention, NeurIPS 2014, section 4) at a size that
    trains in seconds. Deviations: 8x8 source digits, a 16x16 canvas, 4x4 fragments, Gaussian pixel noise. A scene holds one
    whole digit (its label). Classes are equally frequent.

    Args:
        division: the source digits are divided first, and each part draws digits and fragments from its own ones only: no
            handwriting is seen in two parts.
        resize: side of the square that scenes are brought to.
        train_images: scenes of the part.
        validation_images: the same.
        test_images: the same.
        clutter: fragments in a scene.
        noise: standard deviation; 1 is the full scale.
    """
    sizes = {"train": train_images, "validation": validation_images, "test": test_images}
    for part, size in sizes.items():
        check_whole(f"data.{part}_images", size, least=len(CLASSES))
    if isinstance(clutter, bool) or not isinstance(clutter, int) or not 0 <= clutter <= 64:
        raise DataError(f"data.clutter is {clutter!r}; it must be a whole number of fragments from 0 to 64")
    if isinstance(noise, bool) or not isinstance(noise, (int, float)) or not 0 <= noise <= 1:
        raise DataError(f"data.noise is {noise!r}; it must be a number from 0 to 1, the full scale of a pixel")
    if division.test == 0:
        raise DataError(
            "data.test is 0; cluttered_digits divides its source digits and needs a share of them for testing"
        )
    images, labels = source_digits()
    shares = Division(division.validation, division.test, seed=division.seed)
    sources = divide({"train": labels}, shares, CLASSES, "digits")
    pixels, wanted = {}, {}
    for index, part in enumerate(PARTS):
        chosen = sources[part][1]
        rng = stream(division.seed, "data.cluttered_digits", index)
        scenes = _scenes(images[chosen], labels[chosen], sizes[part], clutter, float(noise), rng)
        pixels[part], wanted[part] = scenes
    return build("cluttered_digits", CLASSES, wanted, lambda part, kept: pixels[part][kept], division, resize=resize)


def _scenes(
    images: Pixels, labels: NDArray[np.int64], count: int, clutter: int, noise: float, rng: np.random.Generator
) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """``count`` scenes made from ``images`` (m, 8, 8): pixels (count, 1, 16, 16) uint8 and labels (count,) int64."""
    wanted = rng.permutation(np.arange(count) % len(CLASSES))
    keys = rng.random((count, len(labels)))
    chosen = np.where(labels[None, :] == wanted[:, None], keys, -1.0).argmax(axis=1)  # uniform within the wanted class
    canvas = np.zeros((count, _CANVAS, _CANVAS))
    _place(canvas, images[chosen], rng)
    for _ in range(clutter):
        donors = images[rng.integers(len(images), size=count)]
        _place(canvas, donors[_windows(donors, _FRAGMENT, rng)], rng)
    canvas += noise * rng.standard_normal(canvas.shape)
    pixels = np.rint(canvas.clip(0, 1) * 255).astype(np.uint8)
    return torch.from_numpy(pixels)[:, None], wanted.astype(np.int64)


def _windows(images: Pixels, side: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], ...]:
    """The index of a random ``side`` x ``side`` window of every image."""
    top, left = rng.integers(images.shape[1] - side + 1, size=(2, len(images)))
    rows, columns = top[:, None] + np.arange(side), left[:, None] + np.arange(side)
    return np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]


def _place(canvas: Pixels, patches: Pixels, rng: np.random.Generator) -> None:
    """Put every patch at a random place of its canvas, the brighter pixel winning. Changes ``canvas``."""
    where = _windows(canvas, patches.shape[1], rng)
    canvas[where] = np.maximum(canvas[where], patches)
