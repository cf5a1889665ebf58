"""Picture files of any kind, whole or damaged, alone and in archives: what loads has the pixels that Pillow reads, and all else
is refused in our words."""

from __future__ import annotations

import io
import tarfile
import tempfile
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.errors import DataError
from tests.fuzzing import cases, damaged, no_hang
from tests.image_sets import load

Image = pytest.importorskip("PIL.Image")
ImageOps = pytest.importorskip("PIL.ImageOps")

MODES = (
    *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"),
    *("I;16", "I;16B", "I;16L", "I;16N"),
)
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
ENDINGS = (".png", ".jpg", ".gif", ".tif", ".bmp", ".webp", ".pgm", ".tga", ".jp2")
SIZES = ((6, 9), (1, 1), (9, 6), (6, 6), (1, 40))
TURNED = 0x0112


def picture(mode: str, size: tuple[int, int], seed: int) -> Any:
    """A random picture of a mode."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    colour = Image.fromarray(pixels[:, :, :3].copy())
    if mode == "LAB":
        return Image.frombytes("LAB", size, pixels[:, :, :3].tobytes())
    if mode.startswith("I;16"):
        return Image.frombytes(mode, size, pixels[:, :, :2].tobytes())
    clear = {"LA": "RGBA", "La": "LA", "RGBa": "RGBA", "PA": "P", "RGBA": "RGBA"}
    if mode in ("La", "RGBa", "PA"):
        return colour.convert(clear[mode]).convert(mode)
    return (Image.fromarray(pixels) if mode in clear else colour).convert(mode)


@cache
def encoded(mode: str, kind: str, size: tuple[int, int], seed: int, rotation: int, frames: int) -> bytes | None:
    """A file of a picture; None where the format does not hold it."""
    stream, extra = io.BytesIO(), {}
    if rotation and kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        extra["exif"] = Image.Exif()
        extra["exif"][TURNED] = rotation
    if frames > 1 and kind in ("GIF", "PNG", "WEBP", "TIFF"):
        extra |= {"save_all": True, "append_images": [picture(mode, size, seed + one) for one in range(1, frames)]}
    try:
        picture(mode, size, seed).save(stream, kind, **extra)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stream.getvalue()


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """The content of a file: of a picture, mostly damaged."""
    words = (
        draw(st.sampled_from(MODES)),
        draw(st.sampled_from(FORMATS)),
        draw(st.sampled_from(SIZES)),
        draw(st.integers(0, 3)),
        draw(st.sampled_from((0, 0, 3, 6))),
        draw(st.sampled_from((1, 1, 2))),
    )
    content = encoded(*words)
    if content is None:
        content = encoded("RGB", "PNG", (6, 9), *words[3:])
        assert content is not None
    return draw(damaged(content))


def as_pillow_reads(content: bytes) -> np.ndarray | None:
    """(H, W, C) of a file by Pillow alone; None where it does not read it or 8 bits do not hold it."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            opened.load()
            deep = opened.mode == "I" and opened.format == "PPM"
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I;16") or deep:
                return (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)[:, :, None]
            if image.mode in ("I", "F"):
                return None
            for mode in {"La": ("LA", "L"), "RGBa": ("RGBA", "RGB")}.get(
                image.mode, ("L",) if image.mode in ("1", "LA", "L") else ("RGB",)
            ):
                image = image.convert(mode)
            return np.atleast_3d(np.asarray(image))
    except Exception:
        return None


def write(door: str, contents: dict[str, bytes], at: Path) -> Path:
    """Files as a folder or an archive."""
    if door == "folder":
        for name, content in contents.items():
            (at / "set" / name).parent.mkdir(parents=True, exist_ok=True)
            (at / "set" / name).write_bytes(content)
        return at / "set"
    path = at / f"set.{door}"
    if door == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in contents.items():
                packed.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz" if door == "tar.gz" else "w") as tape:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tape.addfile(member, io.BytesIO(content))
    return path


def plain(size: tuple[int, int], seed: int) -> bytes:
    content = encoded("RGB", "PNG", size, seed, 0, 1)
    assert content is not None
    return content


DOORS = st.sampled_from(("folder", "zip", "tar", "tar.gz"))


@cases(50)
@given(files(), DOORS, st.sampled_from(ENDINGS), st.booleans())
def test_a_picture_has_the_pixels_that_pillow_reads_or_is_refused(
    content: bytes, door: str, ending: str, lazy: bool
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = as_pillow_reads(content)
    size = (6, 9) if wanted is None or not wanted.size else (wanted.shape[1], wanted.shape[0])
    contents = {f"train/a/0{ending}": content, "train/a/1.png": plain(size, 10), "train/b/0.png": plain(size, 11)}
    contents |= {f"{part}/{label}/0.png": plain(size, 12) for part in ("val", "test") for label in "ab"}
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        path = write(door, contents, Path(folder))
        with warnings.catch_warnings(), no_hang():
            warnings.simplefilter("error", UserWarning)
            try:
                data = load(folder=str(path), in_memory=False if lazy and not door.startswith("tar") else "auto")
                (first, *_), _ = next(iter(data.train.read(1)))
            except DataError as error:
                said = str(error)
    if wanted is None:
        assert f"a/0{ending}" in said
        return
    assert not said
    assert np.array_equal(first.numpy(), np.broadcast_to(wanted, (*wanted.shape[:2], 3)).transpose(2, 0, 1))


@cases(50)
@given(st.data(), st.sampled_from(("zip", "tar", "tar.gz")))
def test_a_damaged_archive_of_pictures_is_read_rightly_or_refused(data: st.DataObject, door: str) -> None:
    contents = {
        f"{label}/{index}.png": plain((6, 9), 4 * "ab".index(label) + index) for label in "ab" for index in range(4)
    }
    known = {as_pillow_reads(content).tobytes() for content in contents.values()}  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as folder:
        path = write(door, contents, Path(folder))
        path.write_bytes(data.draw(damaged(path.read_bytes())))
        try:
            with no_hang():
                found = load(folder=str(path))
        except DataError:
            return
    for part in (found.train, found.validation, found.test):
        assert all(one.permute(1, 2, 0).numpy().tobytes() in known for one in part.inputs)
