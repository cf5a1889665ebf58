"""Image files to uint8 arrays of one size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.errors import DataError, MissingDependency

if TYPE_CHECKING:
    from PIL import Image

Bytes = NDArray[np.uint8]
_ALL_NAMED = 5


class Decoder:
    """Decodes files one by one into one (n, C, H, W) uint8 tensor; grey files stay grey until a colour file comes.

    With ``resize`` the shorter side is scaled to it (bilinear, antialiased) and the middle is cut out; without, all images
    must have one size. Palettes, CMYK and the like become RGB, an alpha channel is dropped, 16-bit grey keeps its upper 8
    bits, and a camera's rotation mark is obeyed.
    """

    def __init__(self, where: str, resize: int | None) -> None:
        try:
            from PIL import Image
        except ImportError as error:
            raise MissingDependency("pillow", "reading image files") from error
        self._bad: tuple[type[Exception], ...] = (
            *(OSError, SyntaxError, ValueError, TypeError, IndexError, EOFError, struct.error, zlib.error),
            Image.DecompressionBombError,
        )
        self._where, self._resize = where, resize
        self._first: tuple[str, tuple[int, ...]] | None = None

    def decode(self, files: Iterable[tuple[int, str, bytes]], count: int) -> torch.Tensor:
        """``files``: (position, name, content) of ``count`` images, in any order. Raises DataError naming every file (the
        first few of many) that is not an image or is cut short, or the first whose size differs."""
        images: Bytes | None = None
        broken: list[str] = []
        for position, name, content in files:
            try:
                pixels = self._pixels(content)
            except self._bad as error:
                broken.append(f"{name} ({_short(error)})")
                continue
            size = pixels.shape[:2]
            other, shape = self._first = self._first or (name, size)
            if size != shape:
                raise DataError(
                    f"{self._where}: images differ in size, {other} is {shape[1]}x{shape[0]} and {name} is {size[1]}x{size[0]}; "
                    "set data.resize to the side they shall all have, such as data.resize: 32"
                )
            if images is None:
                images = np.empty((count, *pixels.shape), dtype=np.uint8)
            elif images.shape[3] < pixels.shape[2]:
                images = np.repeat(images, 3, axis=3)
            images[position] = pixels
        if broken:
            more = f" and {len(broken) - _ALL_NAMED} more" if len(broken) > _ALL_NAMED else ""
            raise DataError(
                f"{self._where}: {len(broken)} of {count} image files cannot be decoded: {', '.join(broken[:_ALL_NAMED])}{more}; "
                f"replace or remove them"
            )
        assert images is not None
        return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))

    def _pixels(self, content: bytes) -> Bytes:
        """(H, W, 1) or (H, W, 3)."""
        from PIL import Image, ImageOps

        side = self._resize
        with Image.open(io.BytesIO(content)) as opened:
            image: Image.Image = opened
            if side is not None:
                image.draft(None, (2 * side, 2 * side))  # lets a large JPEG be decoded at a fraction
            if "exif" in image.info:
                image = ImageOps.exif_transpose(image)
            if side is not None and image.size != (side, side):
                if image.mode not in ("L", "RGB"):
                    image = Image.fromarray(pixels_of(image).squeeze(2) if _is_grey(image) else pixels_of(image))
                image = ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR)
            return pixels_of(image)


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")


def pixels_of(image: Image.Image) -> Bytes:
    """(H, W, 1) or (H, W, 3): 16-bit grey keeps its upper 8 bits, alpha is dropped. Raises ValueError for 32-bit pixels."""
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels are 32-bit (mode {image.mode}); convert the file to 8 or 16 bits")
    if image.mode.startswith("I;16"):
        return (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)[:, :, None]
    if _is_grey(image):
        return np.asarray(image if image.mode == "L" else image.convert("L"))[:, :, None]
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _short(error: BaseException) -> str:
    text = str(error).split("<_io")[0].strip() or type(error).__name__
    return text if len(text) <= 80 else text[:77] + "..."
