"""scikit-learn's 1,797 real 8x8 digits, as they are and as small objects in cluttered scenes. Both need no download."""

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from ranknosh.config.fields import setting
from ranknosh.config.learning import DataConfig
from ranknosh.config.messages import explain
from ranknosh.config.sections import Section
from ranknosh.errors import ConfigError, MissingDependency
from ranknosh.streams import stream
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.source import build, cut

CLASSES = tuple("0123456789")
_SIDE = 8
_CANVAS = 16
_FRAGMENT = 4
_BRIGHT = 0.25
Pixels = NDArray[np.float64]
Labels = NDArray[np.int64]


def source_digits() -> tuple[Pixels, NDArray[np.int64]]:
    """Images (1797, 8, 8) in [0, 1] and labels (1797,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependency("scikit-learn", "the digits data set") from error
    images, labels = load_digits(return_X_y=True)
    return images.reshape(-1, _SIDE, _SIDE) / 16.0, labels.astype(np.int64)


def digits(section: DataConfig, seed: int) -> Data:
    """The real digits, (1, 8, 8), values 0..16 stretched to 0..255."""
    images, labels = source_digits()
    pixels = torch.from_numpy(np.rint(images * 255).astype(np.uint8))[:, None]
    return build("digits", CLASSES, {"train": labels}, lambda part, kept: pixels[kept], section, seed)


class SceneOptions(Section):
    """Options of ``cluttered_digits``."""

    train_images: int = setting(2000, "training scenes", ge=len(CLASSES))
    validation_images: int = setting(2000, "validation scenes", ge=len(CLASSES))
    test_images: int = setting(2000, "test scenes", ge=len(CLASSES))
    clutter: int = setting(4, "fragments in a scene", ge=0, le=64)
    noise: float = setting(0.1, "standard deviation of the noise of pixels; 1 is the full scale", ge=0, le=1)


def cluttered_digits(section: DataConfig, seed: int) -> Data:
    """Real digits at random places of a 16x16 canvas among fragments of other digits and noise, (1, 16, 16).

    The recipe of cluttered MNIST (Mnih et al., Recurrent Models of Visual Attention, NeurIPS 2014, section 4) at a size that
    trains in seconds. Deviations: 8x8 source digits, a 16x16 canvas, 4x4 fragments, Gaussian pixel noise. A scene holds one
    whole digit (its label). Classes are equally frequent. The source digits are divided first, and each part draws digits and
    fragments from its own ones only: no handwriting is seen in two parts.

    Args:
        section: the ``data`` section; its options are :class:`SceneOptions`.
        seed: of the division and the scenes.

    Raises:
        ConfigError: for an option that is not known or breaks its rule.
    """
    pixels, labels, _ = _parts(section, seed)
    return build("cluttered_digits", CLASSES, labels, lambda part, kept: pixels[part][kept], section, seed)


def digit_masks(section: DataConfig, seed: int) -> Data:
    """The scenes of :func:`cluttered_digits` with the pixels of the whole digit to be found, (1, 16, 16) to maps (16, 16).

    A pixel is the digit's where the digit is at least a quarter of full brightness there and no fragment is brighter.

    Args:
        section: the ``data`` section; its options are :class:`SceneOptions`.
        seed: of the division and the scenes.

    Raises:
        ConfigError: for an option that is not known or breaks its rule.
    """
    pixels, _, masks = _parts(section, seed)
    return build("digit_masks", ("ground", "digit"), masks, lambda part, kept: pixels[part][kept], section, seed)


def _parts(section: DataConfig, seed: int) -> tuple[dict[str, torch.Tensor], dict[str, Labels], dict[str, Labels]]:
    """Pixels, labels and masks of the scenes of every part."""
    try:
        options = SceneOptions(**section.options)
    except ValidationError as error:
        raise ConfigError(explain(error, SceneOptions, "data.options")) from error
    images, labels = source_digits()
    shares = {"validation": section.validation, "test": section.test}
    pixels, wanted, masks = {}, {}, {}
    for index, (part, chosen) in enumerate(cut(labels, shares, seed, CLASSES, "digits").items()):
        rng, count = stream(seed, "data.cluttered_digits", index), getattr(options, f"{part}_images")
        pixels[part], wanted[part], masks[part] = _scenes(images[chosen], labels[chosen], count, options, rng)
    return pixels, wanted, masks


def _scenes(
    images: Pixels, labels: NDArray[np.int64], count: int, options: SceneOptions, rng: np.random.Generator
) -> tuple[torch.Tensor, NDArray[np.int64], NDArray[np.int64]]:
    """``count`` scenes made from ``images`` (m, 8, 8): pixels (count, 1, 16, 16) uint8, labels (count,) and masks (count, 16, 16)
    int64."""
    wanted = rng.permutation(np.arange(count) % len(CLASSES))
    keys = rng.random((count, len(labels)))
    chosen = np.where(labels[None, :] == wanted[:, None], keys, -1.0).argmax(axis=1)  # uniform within the wanted class
    canvas = np.zeros((count, _CANVAS, _CANVAS))
    _place(canvas, images[chosen], rng)
    digit = canvas.copy()
    for _ in range(options.clutter):
        donors = images[rng.integers(len(images), size=count)]
        _place(canvas, donors[_windows(donors, _FRAGMENT, rng)], rng)
    masks = (digit >= _BRIGHT) & (digit == canvas)
    canvas += options.noise * rng.standard_normal(canvas.shape)
    pixels = np.rint(canvas.clip(0, 1) * 255).astype(np.uint8)
    return torch.from_numpy(pixels)[:, None], wanted.astype(np.int64), masks.astype(np.int64)


def _windows(images: Pixels, side: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], ...]:
    """The index of a random ``side`` x ``side`` window of every image."""
    top, left = rng.integers(images.shape[1] - side + 1, size=(2, len(images)))
    rows, columns = top[:, None] + np.arange(side), left[:, None] + np.arange(side)
    return np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]


def _place(canvas: Pixels, patches: Pixels, rng: np.random.Generator) -> None:
    """Put every patch at a random place of its canvas, the brighter pixel winning. Changes ``canvas``."""
    where = _windows(canvas, patches.shape[1], rng)
    canvas[where] = np.maximum(canvas[where], patches)
