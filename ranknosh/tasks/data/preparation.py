"""From what a data set keeps in memory to what a network sees: one kind for pictures, one for numbers, one for tokens.

A picture stays uint8 in memory, and augmentation is drawn for every picture on its own and applied to all of a batch at once, on
their device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from ranknosh.errors import DataError, MissingDependency

Augment = Literal["none", "crop_flip", "cutout", "crop_flip_cutout"]
Pair = tuple[Tensor, Tensor]
IGNORED = -100
"""Target of a place of a map that is not learned, as ``torch.nn.functional.cross_entropy`` has it."""


class Preparation(ABC):
    """What is done to a batch on its way into a network."""

    kind: ClassVar[str]
    dtype: ClassVar[str] = "float32"
    vocabulary: int | None = None

    def check(self, augment: str, randaugment: int = 0) -> None:
        """Raises DataError for an augmentation that this kind of data does not have."""
        for name, value, none in (("augment", augment, "none"), ("randaugment", randaugment, 0)):
            if value != none and (name != "augment" or augment in get_args(Augment)):
                raise DataError(
                    f"train.{name} is {value}, which changes pictures, and the inputs are {self.kind}; write train.{name}: {none}"
                )
        if augment not in get_args(Augment):
            raise DataError(f"train.augment is {augment!r}; known are {', '.join(get_args(Augment))}")

    def on(self, device: torch.device | str) -> Preparation:
        """The same preparation for batches on a device."""
        return self

    @abstractmethod
    def __call__(
        self, inputs: Tensor, targets: Tensor, augment: str, generator: torch.Generator | None, randaugment: int = 0
    ) -> Pair:
        """A batch (b, ...) as it is kept to what a network sees, and its targets; ``generator`` is for augmentation only."""

    @property
    def facts(self) -> dict[str, Any]:
        """What others need to prepare an input alike, as plain JSON data."""
        return {"kind": self.kind}


@dataclass(frozen=True, eq=False)
class Pictures(Preparation):
    """(b, C, H, W) uint8: moved, mirrored and changed as raw pixels, then (pixel / 255 - mean) / std, then cutout.

    ``mean`` and ``std``: (C,) float32 of the training pictures divided by 255.
    """

    kind: ClassVar[str] = "pictures"
    mean: Tensor
    std: Tensor
    placed: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of(cls, inputs: Tensor) -> Pictures:
        """With the statistics of training pictures (n, C, H, W) uint8."""
        return cls(*statistics(inputs))

    def check(self, augment: str, randaugment: int = 0) -> None:
        if augment not in get_args(Augment):
            raise DataError(f"train.augment is {augment!r}; known are {', '.join(get_args(Augment))}")
        if randaugment and len(self.mean) not in (1, 3):
            raise DataError(
                f"train.randaugment is {randaugment}, which changes the colours of grey or RGB pictures, and these have "
                f"{len(self.mean)} channels; write train.randaugment: 0"
            )

    def on(self, device: torch.device | str) -> Pictures:
        scale = (1 / (255 * self.std)).to(device, torch.float32)[:, None, None]
        return replace(self, placed=(scale, (self.mean / self.std).to(device, torch.float32)[:, None, None]))

    def __call__(
        self, inputs: Tensor, targets: Tensor, augment: str, generator: torch.Generator | None, randaugment: int = 0
    ) -> Pair:
        if self.placed is None:
            return self.on(inputs.device)(inputs, targets, augment, generator, randaugment)
        scale, shift = self.placed
        if generator is not None and augment in ("crop_flip", "crop_flip_cutout"):
            inputs, targets = moved(inputs, targets, generator)
        if generator is not None and randaugment:
            check_unmoved(targets, inputs.shape)
            inputs = randaugmented(inputs, randaugment, generator)
        inputs = inputs.float().mul_(scale).sub_(shift)
        if generator is not None and augment in ("cutout", "crop_flip_cutout"):
            inputs = cutout(inputs, generator)
        return inputs, targets

    @property
    def facts(self) -> dict[str, Any]:
        return {"kind": self.kind, "mean": self.mean.tolist(), "std": self.std.tolist()}


@dataclass(frozen=True, eq=False)
class Numbers(Preparation):
    """(b, ...) float32: (number - mean) / std. ``mean`` and ``std`` are (d, 1, ...): of each entry of the first axis after the
    batch, that of the features of (b, d) and of the channels of (b, C, ...)."""

    kind: ClassVar[str] = "numbers"
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, inputs: Tensor) -> Numbers:
        """With the statistics of training inputs (n, ...); a constant entry gets std 1, so that it is only centred."""
        values = inputs.double()
        mean = values.mean(_all_but_1(values), keepdim=True)[0]
        return cls.from_moments(mean, (values - mean).square().mean(_all_but_1(values), keepdim=True)[0])

    @classmethod
    def from_moments(cls, mean: Tensor, variance: Tensor) -> Numbers:
        """With a mean and a variance, (d, 1, ...) float64."""
        std = variance.clamp(min=0).sqrt()
        # Rounding leaves a constant entry a deviation of its last bits.
        constant = std <= 1e-7 * mean.abs()
        return cls(mean.float(), torch.where(constant, torch.ones_like(std), std).float())

    def on(self, device: torch.device | str) -> Numbers:
        return Numbers(self.mean.to(device), self.std.to(device))

    def __call__(
        self, inputs: Tensor, targets: Tensor, augment: str, generator: torch.Generator | None, randaugment: int = 0
    ) -> Pair:
        return (inputs - self.mean) / self.std, targets

    @property
    def facts(self) -> dict[str, Any]:
        return {"kind": self.kind, "mean": self.mean.flatten().tolist(), "std": self.std.flatten().tolist()}


@dataclass(frozen=True, eq=False)
class Tokens(Preparation):
    """(b, ...) int64 in 0..vocabulary-1, as they are."""

    kind: ClassVar[str] = "tokens"
    dtype: ClassVar[str] = "int64"
    vocabulary: int  # type: ignore[assignment]  # of the others it is None

    def __call__(
        self, inputs: Tensor, targets: Tensor, augment: str, generator: torch.Generator | None, randaugment: int = 0
    ) -> Pair:
        return inputs, targets

    @property
    def facts(self) -> dict[str, Any]:
        return {"kind": self.kind, "vocabulary": self.vocabulary}


def _all_but_1(values: Tensor) -> list[int]:
    return [axis for axis in range(values.ndim) if axis != 1]


def statistics(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (population) per channel of ``pictures`` (n, C, H, W) uint8 divided by 255: two (C,) float32.

    Exact: taken from a histogram of the 256 values. A constant channel gets std 1, so that normalising only centres it.
    """
    return statistics_of(histogram(pictures))


def histogram(pictures: Tensor) -> Tensor:
    """(C, 256) int64: how often each value stands in each channel of ``pictures`` (n, C, H, W) uint8."""
    return torch.stack([torch.bincount(channel.flatten(), minlength=256) for channel in pictures.unbind(1)])


def statistics_of(counts: Tensor) -> tuple[Tensor, Tensor]:
    """:func:`statistics` of a histogram (C, 256)."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in counts.double():
        mean = (channel * values).sum() / channel.sum()
        variance = (channel * (values - mean) ** 2).sum() / channel.sum()
        means.append(mean)
        deviations.append(variance.sqrt() if (channel > 0).sum() > 1 else torch.ones_like(mean))
    return torch.stack(means).float(), torch.stack(deviations).float()


def moved(pictures: Tensor, targets: Tensor, generator: torch.Generator) -> Pair:
    """:func:`crop_flip` of pictures (b, C, H, W), and the same windows of targets that are maps of class numbers (b, H, W).

    What a map is padded with is not learned (``IGNORED``). Raises DataError for maps of other numbers, for which there is no
    such value.
    """
    if not are_maps(targets, pictures.shape):
        return crop_flip(pictures, generator), targets
    check_moved(targets)
    windows = _windows(pictures.shape, generator, pictures.device)
    return _cut(pictures, windows, 0), _cut(targets[:, None], windows, IGNORED)[:, 0]


def are_maps(targets: Tensor, pictures: torch.Size) -> bool:
    """Whether targets (n, ...) have a value for every pixel of pictures of a shape (n, C, H, W)."""
    return targets.ndim >= 3 and targets.shape[-2:] == pictures[-2:]


def check_moved(maps: Tensor) -> None:
    """Raises DataError for maps of numbers, which have no value for what is moved in from outside."""
    if maps.is_floating_point():
        raise DataError(
            "train.augment moves pictures, and the targets are pictures of numbers whose border is unknown; write "
            "train.augment: none"
        )


def check_unmoved(targets: Tensor, pictures: torch.Size) -> None:
    """Raises DataError for maps, which RandAugment, that turns and shears pictures, would have to turn along."""
    if are_maps(targets, pictures):
        raise DataError(
            "train.randaugment turns and shears pictures, and the targets have a value for every pixel of them, which would stay "
            "where it is; write train.randaugment: 0"
        )


def randaugmented(pictures: Tensor, magnitude: int, generator: torch.Generator) -> Tensor:
    """Each picture changed by two of the 14 operations, all of the same ``magnitude`` (0 to 30).

    RandAugment (Cubuk et al., NeurIPS 2020, N = 2) as torchvision has it, with its ranges of magnitudes; what is turned or
    sheared in from outside is black. It draws from torch's global generator on the CPU, which is seeded from ``generator`` for
    the batch and put back. ``pictures``: (n, 1 or 3, H, W) uint8.

    Raises:
        MissingDependency: torchvision is not installed.
    """
    try:
        from torchvision.transforms import v2
    except ImportError as error:
        raise MissingDependency("torchvision", "train.randaugment") from error
    change = v2.RandAugment(num_ops=2, magnitude=magnitude)
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would change those of GPUs, too
        return torch.stack([change(picture) for picture in pictures])


def crop_flip(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Windows of the pictures padded with zeros (black) by an eighth of the side, at least 1, every second one mirrored.

    The CIFAR recipe (He et al., CVPR 2016, section 4.2: 4 pixels at 32). ``pictures``: (n, C, H, W), any dtype, any strides.
    """
    return _cut(pictures, _windows(pictures.shape, generator, pictures.device), 0)


def _windows(shape: torch.Size, generator: torch.Generator, device: torch.device) -> Pair:
    """(n, H) rows and (n, W) columns of the padded pictures that each window takes."""
    count, _, height, width = shape
    pads = _pads(shape)
    tops, lefts = (_integers(2 * pad + 1, count, generator, device) for pad in pads)
    flips = _integers(2, count, generator, device).bool()
    rows = tops[:, None] + torch.arange(height, device=device)
    across = torch.arange(width, device=device).expand(count, width)
    return rows, lefts[:, None] + torch.where(flips[:, None], across.flip(1), across)


def _cut(maps: Tensor, windows: Pair, border: int) -> Tensor:
    rows, columns = windows
    down, across = _pads(maps.shape)
    padded = torch.nn.functional.pad(maps, (across, across, down, down), value=border)
    each = torch.arange(len(maps), device=maps.device)[:, None, None]
    return padded.movedim(1, 3)[each, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


def _pads(shape: torch.Size) -> tuple[int, int]:
    return max(1, shape[2] // 8), max(1, shape[3] // 8)


def cutout(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """One square of every picture set to zero; its centre is any pixel, and what lies outside of the picture is cut off.

    Cutout (DeVries and Taylor, arXiv 1708.04552) with half the shorter side, which is its 16 pixels at 32. Apply it after
    normalisation, where zero is the mean colour. ``pictures``: (n, C, H, W).
    """
    count, _, height, width = pictures.shape
    side = min(height, width) // 2
    centres = (
        _integers(height, count, generator, pictures.device),
        _integers(width, count, generator, pictures.device),
    )
    inside = []
    for centre, length in zip(centres, (height, width), strict=True):
        first = centre[:, None] - side // 2
        place = torch.arange(length, device=pictures.device)
        inside.append((place >= first) & (place < first + side))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return pictures.masked_fill(square, 0)


def _integers(high: int, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """``count`` integers in 0..high-1, drawn where the generator lives: a CPU generator gives the same ones on any device."""
    return torch.randint(high, (count,), generator=generator, device=generator.device).to(device)
