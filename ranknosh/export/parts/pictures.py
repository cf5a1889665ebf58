"""Image files as inputs, by the rules by which those of the training were read."""

import sys
from typing import Any

import torch
from torch import Tensor

from ranknosh.export.parts.stand_ins import INPUTS, RESIZE


def read(path: str) -> Tensor:
    """(1, C, H, W) uint8 of an image file. Another size is scaled until it covers that of the inputs (bilinear, antialiased),
    and the middle is cut out; a camera's rotation mark is obeyed, and transparency is left out. Needs Pillow."""
    from PIL import Image, ImageOps

    channels, height, width = INPUTS
    with Image.open(path) as opened:
        image: Any = opened
        if RESIZE is not None:
            image.draft(None, (2 * RESIZE, 2 * RESIZE))  # a large JPEG is decoded at a fraction
        if "exif" in image.info:
            image = ImageOps.exif_transpose(image)
        if image.size != (width, height):
            if image.mode not in ("L", "RGB"):
                image = plain(image)
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        image = plain(image)
    if channels == 1:
        image = image.convert("L")
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(height, width, -1)
    return pixels.permute(2, 0, 1).expand(channels, -1, -1)[None].contiguous()


def plain(image: Any) -> Any:
    """An image of Pillow as grey (L) or colour (RGB); of 16-bit grey the upper 8 bits."""
    from PIL import Image

    if image.mode == "I" and image.format == "PPM":  # which has 16 bits at most
        return Image.frombytes("L", image.size, image.tobytes()[1 if sys.byteorder == "little" else 2 :: 4])
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels are 32-bit (mode {image.mode}); convert the file to 8 or 16 bits")
    if image.mode.startswith("I;16"):
        upper = 0 if image.mode.endswith("B") else 1
        return Image.frombytes("L", image.size, image.tobytes()[upper::2])
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
