"""Image files to uint8 arrays of one size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from ranknosh.errors import DataError, MissingDependency
from ranknosh.tasks.data.inputs import Bytes, Remark, is_grey, is_transparent, pixels_of
from ranknosh.tasks.data.reading import READ_ERRORS, BrokenFiles, why_not

if TYPE_CHECKING:
    from PIL import Image

Result = TypeVar("Result")
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
            *(*READ_ERRORS, SyntaxError, TypeError, IndexError, AttributeError, ArithmeticError, MemoryError),
            Image.DecompressionBombError,
        )
        self._where, self._resize = where, resize
        self._first: tuple[str, tuple[int, ...]] | None = None
        self._remarks: list[Remark] = []

    def noticed(self) -> list[Remark]:
        """What of the files is not in the pixels, since this was last asked."""
        remarks, self._remarks = self._remarks, []
        return remarks

    def decode(self, files: Iterable[tuple[int, str, Callable[[], bytes]]], count: int) -> torch.Tensor:
        """``files``: (position, name, what reads the content) of ``count`` images, in any order. Raises BrokenFiles with every
        file that cannot be read, is not an image or is cut short, or DataError for the first whose size differs."""
        images: Bytes | None = None
        broken: dict[str, str] = {}
        for position, name, read in files:
            try:
                pixels = self._pixels(name, read)
            except BrokenFiles as error:
                broken |= error.files
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
            raise BrokenFiles(self._where, broken)
        assert images is not None
        return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))

    def one(self, name: str, read: Callable[[], bytes]) -> torch.Tensor:
        """(C, H, W) uint8 of one file, whose content ``read`` gives. Raises BrokenFiles naming it."""
        return torch.from_numpy(np.array(self._pixels(name, read).transpose(2, 0, 1)))

    def size(self, name: str, read: Callable[[], bytes]) -> tuple[int, int]:
        """(width, height) of one file, a camera's rotation mark obeyed. Raises BrokenFiles naming it."""
        from PIL import Image

        def found() -> tuple[int, int]:
            with Image.open(io.BytesIO(read())) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE
                return (height, width) if turned else (width, height)

        return self._told(name, found)

    def _pixels(self, name: str, read: Callable[[], bytes]) -> Bytes:
        return self._told(name, lambda: self._decoded(read(), name))

    def _told(self, name: str, use: Callable[[], Result]) -> Result:
        """What ``use`` makes of a file: what it raises becomes BrokenFiles, and what Pillow warns of is noticed."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("ignore")
            for kind in (UserWarning, RuntimeWarning):
                warnings.simplefilter("always", kind)
            try:
                found = use()
            except self._bad as error:
                raise BrokenFiles(self._where, {name: why_not(error)}) from error
        self._remarks += [("odd", f"{name} ({one.message})") for one in said[:1]]
        return found

    def _decoded(self, content: bytes, name: str) -> Bytes:
        """(H, W, 1) or (H, W, 3)."""
        from PIL import Image, ImageOps

        side = self._resize
        with Image.open(io.BytesIO(content)) as opened:
            image: Image.Image = opened
            if side is not None:
                image.draft(None, (2 * side, 2 * side))  # lets a large JPEG be decoded at a fraction
            if is_transparent(image):
                self._remarks.append(("transparent", name))
            if "exif" in image.info:
                image = ImageOps.exif_transpose(image)
            if side is not None and image.size != (side, side):
                if image.mode not in ("L", "RGB"):
                    image = Image.fromarray(pixels_of(image).squeeze(2) if is_grey(image) else pixels_of(image))
                image = ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR)
            return pixels_of(image)
