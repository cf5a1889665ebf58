"""Arrays of images in any usual layout and number type to the one used in memory."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.errors import DataError

MAX_CHANNELS = 16


def as_images(array: NDArray[np.generic], where: str) -> torch.Tensor:
    """(n, H, W), (n, H, W, C) or (n, C, H, W) of a real dtype to (n, C, H, W) uint8. Raises DataError naming ``where``."""
    if array.ndim not in (3, 4):
        raise DataError(f"{where} has shape {array.shape}; images are (n, H, W), (n, H, W, C) or (n, C, H, W)")
    if not array.size:
        raise DataError(f"{where} is empty, shape {array.shape}; give it images or leave it out")
    pixels = _bytes(array, where)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1] == pixels.shape[3] or min(pixels.shape[1], pixels.shape[3]) > MAX_CHANNELS:
        raise DataError(
            f"{where} has shape {array.shape}, and neither axis 1 nor axis 3 is plainly that of the channels (the shorter one, "
            f"at most {MAX_CHANNELS}); give (n, H, W, C) or (n, C, H, W)"
        )
    elif pixels.shape[3] < pixels.shape[1]:
        pixels = pixels.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def _bytes(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where} has dtype {array.dtype}; pixels must be numbers, integers 0..255 or floats in [0, 1]")
    values = array.astype(np.float64 if array.dtype.itemsize > 4 else array.dtype, copy=False)
    low, high = float(values.min()), float(values.max())  # NaN fails both comparisons below
    limit = 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= limit):
        raise DataError(
            f"{where} has dtype {array.dtype} and values in {low:g}..{high:g}; integers must lie in 0..255 and floats in [0, 1] "
            f"(undo a normalisation: it is applied during training)"
        )
    return np.rint(values * 255).astype(np.uint8) if array.dtype.kind == "f" else values.astype(np.uint8)
