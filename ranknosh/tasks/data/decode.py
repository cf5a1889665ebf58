"""Image files to uint8 arrays of one size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from ranknosh.errors import DataError, MissingDependency
from ranknosh.tasks.data.inputs import Bytes, is_grey, is_transparent, pixels_of, transparency_note

if TYPE_CHECKING:
    from PIL import Image

_ALL_NAMED = 5
_ORIENTATION = 0x0112
"""The EXIF tag of a camera's rotation mark."""
_ON_ITS_SIDE = (5, 6, 7, 8)
"""Its values for pictures whose width and height change places."""


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
        self._see_through: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the files is not in the pixels."""
        return transparency_note(self._see_through)

    def decode(self, files: Iterable[tuple[int, str, bytes]], count: int) -> torch.Tensor:
        """``files``: (position, name, content) of ``count`` images, in any order. Raises DataError naming every file (the
        first few of many) that is not an image or is cut short, or the first whose size differs."""
        images: Bytes | None = None
        broken: list[str] = []
        for position, name, content in files:
            try:
                pixels = self._pixels(content, name)
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

    def one(self, name: str, content: bytes) -> torch.Tensor:
        """(C, H, W) uint8 of one file. Raises DataError naming it."""
        try:
            return torch.from_numpy(np.array(self._pixels(content, name).transpose(2, 0, 1)))
        except self._bad as error:
            raise DataError(
                f"{self._where}: {name} cannot be decoded ({_short(error)}); replace or remove it"
            ) from error

    def size(self, name: str, content: bytes) -> tuple[int, int]:
        """(width, height) of one file, a camera's rotation mark obeyed. Raises DataError naming it."""
        from PIL import Image

        try:
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE
                return (height, width) if turned else (width, height)
        except self._bad as error:
            raise DataError(
                f"{self._where}: {name} cannot be decoded ({_short(error)}); replace or remove it"
            ) from error

    def _pixels(self, content: bytes, name: str) -> Bytes:
        """(H, W, 1) or (H, W, 3)."""
        from PIL import Image, ImageOps

        side = self._resize
        with Image.open(io.BytesIO(content)) as opened:
            image: Image.Image = opened
            if side is not None:
                image.draft(None, (2 * side, 2 * side))  # lets a large JPEG be decoded at a fraction
            if is_transparent(image):
                self._see_through.append(name)
            if "exif" in image.info:
                image = ImageOps.exif_transpose(image)
            if side is not None and image.size != (side, side):
                if image.mode not in ("L", "RGB"):
                    image = Image.fromarray(pixels_of(image).squeeze(2) if is_grey(image) else pixels_of(image))
                image = ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR)
            return pixels_of(image)


def _short(error: BaseException) -> str:
    text = str(error).split("<_io")[0].strip() or type(error).__name__
    return text if len(text) <= 80 else text[:77] + "..."
