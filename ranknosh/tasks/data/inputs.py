"""What an input means, the same through every door: pictures become (C, H, W) uint8, numbers float32, tokens int64.

What would lose information is refused, never clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.errors import FOREIGN, DataError, first_line

if TYPE_CHECKING:
    from PIL import Image

InputKind = Literal["auto", "pictures", "numbers", "tokens"]
Bytes = NDArray[np.uint8]
Remark = tuple[Literal["transparent", "odd"], str]
"""What of a picture is not in its pixels, or what its reader warned of, and which picture it is."""
MOST_CHANNELS = 16


def as_inputs(array: NDArray[Any], kind: InputKind, where: str) -> torch.Tensor:
    """The inputs of one part.

    Args:
        array: (n, ...).
        kind: what they are; ``auto`` takes (n, H, W), (n, H, W, C) and (n, C, H, W) for pictures and other floats for numbers.
        where: it comes from, for messages.

    Returns:
        (n, C, H, W) uint8, (n, ...) float32 or (n, ...) int64.

    Raises:
        DataError: naming ``where``, for what cannot be read as that kind.
    """
    if not array.size:
        raise DataError(f"{where} is empty, shape {array.shape}; give it examples or leave it out")
    if kind == "auto":
        kind = _told(array, where)
    if kind == "pictures":
        return as_pictures(array, where)
    return as_numbers(array, where) if kind == "numbers" else as_tokens(array, where)


def _told(array: NDArray[Any], where: str) -> InputKind:
    if array.ndim in (3, 4):
        return "pictures"
    if array.dtype.kind == "f" and array.ndim > 1:
        return "numbers"
    raise DataError(
        f"{where} has shape {array.shape} and dtype {array.dtype}; pictures are (n, H, W), (n, H, W, C) or (n, C, H, W), and "
        "rows of floats are numbers. Say data.inputs: numbers, or data.inputs: tokens, where they are that"
    )


def as_numbers(array: NDArray[Any], where: str) -> torch.Tensor:
    """(n, ...) of any real dtype to float32. Raises DataError for other types and what float32 does not hold."""
    if array.dtype.kind not in "iufb" or array.ndim < 2:
        raise DataError(f"{where} has shape {array.shape} and dtype {array.dtype}; numbers are (n, ...) of a real type")
    numbers = as_float32(array)
    _refuse_infinite(numbers, where)
    return torch.from_numpy(numbers)


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Real numbers as float32, infinite where they are too large for it, which numpy would warn of."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)


def _refuse_infinite(numbers: NDArray[np.float32], where: str) -> None:
    bad = ~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)
    if bad.any():
        raise DataError(
            f"{where}[{int(bad.argmax())}] holds a NaN or a number that is infinite in float32; replace or remove it"
        )


def as_tokens(array: NDArray[Any], where: str) -> torch.Tensor:
    """(n, length) integers from 0 to int64. Raises DataError for other types, shapes and values."""
    if array.dtype.kind not in "iu" or array.ndim != 2:
        remedy = "number them first" if array.dtype.kind == "U" else "where they are numbers, leave out the task tokens"
        raise DataError(
            f"{where} has shape {array.shape} and dtype {array.dtype}; tokens are (n, length) of integers: {remedy}"
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high >= 2**24:
        raise DataError(f"{where} holds tokens in {low}..{high}; number them from 0, without large gaps")
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))


def as_pictures(array: NDArray[Any], where: str) -> torch.Tensor:
    """(n, H, W), (n, H, W, C) or (n, C, H, W) of a real dtype to (n, C, H, W) uint8. Raises DataError naming ``where``."""
    if array.ndim not in (3, 4):
        raise DataError(f"{where} has shape {array.shape}; pictures are (n, H, W), (n, H, W, C) or (n, C, H, W)")
    pixels = as_bytes(array, where)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif channels_last(pixels.shape[1:], where):
        pixels = pixels.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(pixels))


def as_picture(item: Any, where: str) -> Bytes:
    """(C, H, W) of one picture: an image of Pillow, or a tensor or array of (H, W), (H, W, C) or (C, H, W).

    Raises DataError naming ``where``.
    """
    if is_picture(item):
        try:
            return pixels_of(item).transpose(2, 0, 1)
        except FOREIGN as error:  # a file that is opened late, or an object that only looks like a picture
            raise DataError(f"{where} cannot be used: {error}") from error
    array = as_array(item, where)
    if array.ndim not in (2, 3) or not array.size:
        raise DataError(f"{where} has shape {array.shape}; give a picture of (H, W), (H, W, C) or (C, H, W)")
    pixels = as_bytes(array, where)
    if pixels.ndim == 2:
        return pixels[None]
    return pixels.transpose(2, 0, 1) if channels_last(pixels.shape, where) else pixels


def as_array(item: Any, where: str) -> NDArray[Any]:
    """A tensor, an array or what says how it becomes one (a table of pandas) as an array. Raises DataError for anything else."""
    if isinstance(item, torch.Tensor):
        if item.is_meta or item.layout != torch.strided:
            what = "lies on the meta device, without values" if item.is_meta else f"has the layout {item.layout}"
            raise DataError(f"{where} {what}; give a dense tensor in memory, such as tensor.to_dense() of a sparse one")
        tensor = item.detach().cpu()
        # numpy has no bfloat16, and every other float is exact as a double.
        return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    if hasattr(item, "__array__"):
        try:
            array = np.asarray(item)
        except FOREIGN as error:  # foreign code: whatever it raises is about this item
            raise DataError(f"{where} cannot be made an array: {first_line(error, named=True)}") from error
        # Columns of texts are objects in pandas.
        return array.astype(str) if array.dtype == object and all(isinstance(one, str) for one in array.flat) else array
    raise DataError(f"{where} is a {type(item).__name__}; give a tensor, a numpy array or a PIL image")


def channels_last(shape: tuple[int, ...], where: str) -> bool:
    """Whether a picture of a shape with three sides has its channels at the end: the one rule for layouts.

    Of a square picture the odd side out is the channels; of others the shorter one of the first and the last. Raises DataError
    where that is not plain.
    """
    first, middle, last = shape
    if first == last or (middle not in (first, last) and min(first, last) > MOST_CHANNELS):
        plain = False
    elif middle in (first, last):
        plain = (last if middle == first else first) <= MOST_CHANNELS
    else:
        plain = True
    if not plain:
        raise DataError(
            f"{where} has shape {shape}, and neither the first nor the last side is plainly that of the channels (at most "
            f"{MOST_CHANNELS}; of a square picture the odd one, else the shorter one); give (H, W, C) or (C, H, W)"
        )
    return middle == first if middle in (first, last) else last < first


def as_bytes(array: NDArray[Any], where: str) -> Bytes:
    """Pixels of any shape: integers in 0..255, or floats in [0, 1] times 255 and rounded. Raises DataError naming ``where``."""
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind not in "iuf":
        raise DataError(f"{where} has dtype {array.dtype}; pixels must be numbers, integers 0..255 or floats in [0, 1]")
    values = array.astype(np.float64 if array.dtype.itemsize > 4 else array.dtype, copy=False)
    low, high = float(values.min()), float(values.max())
    if np.isnan(low) or np.isnan(high):
        raise DataError(f"{where} holds a NaN, which is no pixel; replace or remove it")
    limit = 1 if array.dtype.kind == "f" else 255
    if low < 0 or high > limit:
        raise DataError(
            f"{where} has dtype {array.dtype} and values in {low:g}..{high:g}; integers must lie in 0..255 and floats in [0, 1] "
            "(undo a normalisation: it is applied during training). Say data.inputs: numbers where these are no pictures"
        )
    return np.rint(values * 255).astype(np.uint8) if array.dtype.kind == "f" else values.astype(np.uint8)


def is_picture(item: Any) -> bool:
    """Whether this is an image of Pillow, which need not be installed."""
    return hasattr(item, "mode") and hasattr(item, "convert")


def is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La", "I") or image.mode.startswith("I;16")


def is_transparent(image: Image.Image) -> bool:
    """Whether a picture has an alpha channel that is not full everywhere."""
    if image.mode in ("RGBA", "LA", "La", "RGBa", "PA"):
        lowest, _ = image.getchannel(image.getbands()[-1]).getextrema()
        return int(lowest) < 255  # type: ignore[arg-type]  # one channel has numbers, not pairs
    return "transparency" in image.info


def notes_of(remarks: Sequence[Remark]) -> tuple[str, ...]:
    """What is said of such pictures: a sentence a kind, which counts them and names the first."""
    said = {
        "transparent": "of the pictures are transparent in places, which was left out: {} is one",
        "odd": "of the pictures may be damaged, as their reader warns: {} is one",
    }
    found = {kind: [name for each, name in remarks if each == kind] for kind in said}
    return tuple(f"{len(names):,} {said[kind].format(names[0])}" for kind, names in found.items() if names)


def pixels_of(image: Image.Image) -> Bytes:
    """The one decoder: (H, W, 1) or (H, W, 3) of an image of Pillow.

    16-bit grey keeps its upper 8 bits, alpha is dropped, palettes, CMYK and the like become RGB. Raises ValueError for 32-bit
    pixels and what Pillow cannot convert.
    """
    if image.mode == "I" and image.format == "PPM":  # which has 16 bits at most
        return (np.asarray(image) >> 8).astype(np.uint8)[:, :, None]
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels are 32-bit (mode {image.mode}); convert the file to 8 or 16 bits")
    if image.mode.startswith("I;16"):
        return (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)[:, :, None]
    if image.mode == "La":  # premultiplied, which Pillow undoes only on the way to LA
        image = image.convert("LA")
    if image.mode == "P" and "transparency" in image.info:  # else Pillow warns that it would be better off with it
        image = image.convert("RGBA")
    if is_grey(image):
        return np.asarray(image if image.mode == "L" else image.convert("L"))[:, :, None]
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
