"""The one way from the parts a set came with to three parts in memory, whatever the images are stored in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from ranknosh.data.base import PARTS, ImageData, Split, assemble, check_labels
from ranknosh.data.partition import Division, Indices, divide


@dataclass(frozen=True)
class ImageSource:
    """A set before it is divided. ``name`` begins its messages, ``title`` is what it is called once it is loaded.

    ``labels``: part to labels (n,), train always there. ``fetch``: part and indices (k,) to images (k, C, H, W) uint8; it is
    called only for images that are kept.
    """

    name: str
    classes: tuple[str, ...]
    labels: Mapping[str, Indices]
    fetch: Callable[[str, Indices], torch.Tensor]
    title: str = ""

    @classmethod
    def of_tensors(
        cls,
        name: str,
        classes: tuple[str, ...],
        parts: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
        resize: int | None = None,
        title: str = "",
    ) -> ImageSource:
        """A source over images that are in memory already.

        Args:
            name: begins its messages.
            classes: names.
            parts: images (n, C, H, W) uint8 and labels (n,) int64 of each part.
            resize: side of the square that images are brought to; None leaves them as they are.
            title: what it is called once it is loaded.
        """

        def fetch(part: str, indices: Indices) -> torch.Tensor:
            images = parts[part][0][torch.from_numpy(indices)]
            return images if resize is None else resized(images, resize)

        return cls(name, classes, {part: labels.numpy() for part, (_, labels) in parts.items()}, fetch, title)


def build(source: ImageSource, division: Division) -> ImageData:
    """Divide, fetch what is kept, and put it together. Grey parts of a set that has colour elsewhere become colour.

    Raises DataError as ``check_labels``, ``assemble`` (both in base) and ``partition.divide`` do.
    """
    check_labels(source.name, source.labels, source.classes)
    taken = divide(source.labels, division, source.classes, source.name)
    images = {part: source.fetch(*where) for part, where in taken.items() if len(where[1])}
    colour = max(found.shape[1] for found in images.values())
    splits = []
    for part in PARTS:
        origin, indices = taken[part]
        if part not in images:
            splits.append(
                Split(torch.empty(0, *images["train"].shape[1:], dtype=torch.uint8), torch.empty(0, dtype=torch.int64))
            )
            continue
        found = images[part]
        if found.shape[1] == 1 < colour:
            found = found.expand(-1, colour, -1, -1).contiguous()
        splits.append(Split(found, torch.from_numpy(np.ascontiguousarray(source.labels[origin][indices]))))
    return replace(assemble(source.name, splits, source.classes), name=source.title or source.name)


def resized(images: torch.Tensor, side: int) -> torch.Tensor:
    """(n, C, H, W) uint8 to (n, C, side, side): the shorter side scaled to ``side`` antialiased, the middle cut out."""
    height, width = images.shape[2:]
    if (height, width) == (side, side):
        return images
    scale = side / min(height, width)
    target = (max(side, round(height * scale)), max(side, round(width * scale)))
    top, left = (target[0] - side) // 2, (target[1] - side) // 2
    pieces = []
    for piece in images.split(4096):
        scaled = torch.nn.functional.interpolate(
            piece.float(), size=target, mode="bilinear", antialias=True, align_corners=False
        )
        pieces.append(scaled[:, :, top : top + side, left : left + side].round().clamp(0, 255).to(torch.uint8))
    return torch.cat(pieces)
