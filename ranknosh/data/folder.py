"""Image folders: class/picture.png, alone or below train, validation and test, in a folder or an archive.

Files are listed without reading them and read without unpacking an archive to disk.
"""

import lzma
import os
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ranknosh.config.sections import DataConfig
from ranknosh.data.base import PARTS, ImageData
from ranknosh.data.decode import Decoder
from ranknosh.data.source import Indices, build
from ranknosh.errors import DataError

_PART_NAMES = {part: part for part in PARTS} | {
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "testing": "test",
}
_ENDINGS = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".jp2", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_READ_ERRORS = (
    *(OSError, EOFError, RuntimeError, KeyError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)
_Path = tuple[str, ...]


def load_folder(path: str, section: DataConfig, seed: int) -> ImageData:
    """The images of a folder or an archive (.zip, .tar, .tar.gz), which is read without unpacking it to disk.

    Accepted: class folders; or ``train`` with class folders and, where there are, ``val``/``valid``/``validation`` and
    ``test``; either may sit in one wrapping folder. Class names are sorted, those of train count. Files that are no images by
    their ending are passed over. Only the images that are kept (limits) are decoded.

    Args:
        path: of the folder or archive.
        section: how it is divided, and the side that images are brought to.
        seed: of the division.

    Raises:
        DataError: for a missing or unreadable path, no images, images outside of class folders, an empty class folder, one
            class, too few images for the split, files that cannot be decoded (named), sizes that differ without ``resize``.
    """
    root, name = Path(path).expanduser(), f"data.folder {path}"
    require_path(root, "data.folder")
    with ExitStack() as stack:
        try:
            found = {where: file for where, file in _entries(root, stack) if where and not any(map(_is_hidden, where))}
        except _READ_ERRORS as error:
            raise DataError(f"data.folder {root} cannot be read: {_reason(error)}") from error
        parts = _parts(found, name)
        classes = tuple(sorted({label for label, _ in parts["train"]}))
        number = {label: index for index, label in enumerate(classes)}
        for part, pictures in parts.items():
            unknown = sorted({label for label, _ in pictures} - number.keys())
            if unknown:
                raise DataError(
                    f"{name}: {part} has class folders that train does not have ({', '.join(unknown[:5])}); every class needs "
                    f"training images, so add them to train or remove the folders"
                )
        labels = {
            part: np.array([number[label] for label, _ in pictures], dtype=np.int64) for part, pictures in parts.items()
        }
        decoder = Decoder(name, section.resize)

        def contents(places: Mapping[_Path, int]) -> Iterator[tuple[int, str, bytes]]:
            # In the order of an archive: going back in a compressed one means starting over.
            for path in sorted(places, key=lambda path: found[path].position):
                try:
                    yield places[path], "/".join(path), found[path].read()
                except (*_READ_ERRORS, NotImplementedError) as error:
                    verb, remedy = ("read", "; check its permissions") if root.is_dir() else ("unpacked", "")
                    raise DataError(
                        f"data.folder {root}: {'/'.join(path)} cannot be {verb}: {_reason(error)}{remedy}"
                    ) from error

        def fetch(part: str, indices: Indices) -> torch.Tensor:
            places = {parts[part][index][1]: position for position, index in enumerate(indices.tolist())}
            return decoder.decode(contents(places), len(places))

        return build(name, classes, labels, fetch, section, seed, title=Path(path).name)


def require_path(path: Path, key: str) -> None:
    """Raise DataError where ``path`` does not exist or cannot be looked at, with the nearest folder that is there."""
    try:
        path.stat()
        return
    except FileNotFoundError:
        pass
    except OSError as error:
        raise DataError(f"{key} {path} cannot be read: {_reason(error)}; check the path and its permissions") from error
    nearest = next(folder for folder in path.absolute().parents if folder.is_dir())
    try:
        names = sorted(entry.name for entry in nearest.iterdir() if not entry.name.startswith("."))
    except OSError:
        names = []
    shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "") if names else "nothing"
    remedy = f"; say where it is with --set {key}=PATH" if key.startswith("data.") else ""
    raise DataError(
        f"{key} {path} does not exist; the nearest folder that does is {nearest}, which holds {shown}{remedy}"
    )


class _Entry(NamedTuple):
    """A file or folder below the root: ``position`` is its place in an archive, ``read`` gives a file's content."""

    is_folder: bool
    position: int
    read: Callable[[], bytes]


def _entries(root: Path, stack: ExitStack) -> Iterator[tuple[_Path, _Entry]]:
    """What is in a folder, a .zip or a .tar (also compressed), which ``stack`` closes."""
    if root.is_dir():
        return _listed(root)
    if tarfile.is_tarfile(root):
        return _in_tar(stack.enter_context(tarfile.open(root)))
    if zipfile.is_zipfile(root):
        return _in_zip(stack.enter_context(zipfile.ZipFile(root)))
    raise DataError(
        f"data.folder {root} is a file that is neither a zip nor a tar archive; give a folder of class folders, or such a "
        f"folder packed as {', '.join(_ARCHIVES)}"
    )


def _in_tar(opened: tarfile.TarFile) -> Iterator[tuple[_Path, _Entry]]:
    def content(member: tarfile.TarInfo) -> bytes:
        file = opened.extractfile(member)
        return file.read() if file is not None else b""

    for member in opened:
        yield _split(member.name), _Entry(member.isdir(), member.offset_data, partial(content, member))


def _in_zip(opened: zipfile.ZipFile) -> Iterator[tuple[_Path, _Entry]]:
    for info in opened.infolist():
        path = _split(info.filename.replace("\\", "/"))
        yield path, _Entry(info.is_dir(), info.header_offset, partial(opened.read, info))


def _split(name: str) -> _Path:
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _listed(root: Path) -> Iterator[tuple[_Path, _Entry]]:
    entered: set[str] = set()

    def refuse(error: OSError) -> None:
        raise DataError(
            f"data.folder {root}: {error.filename} cannot be listed: {_reason(error)}; check its permissions"
        )

    for here, below, names in os.walk(root, onerror=refuse, followlinks=True):
        real = os.path.realpath(here)
        if real in entered:  # a link back into the tree would never end
            below.clear()
            continue
        entered.add(real)
        below[:] = [name for name in below if not _is_hidden(name)]
        at = Path(here)
        inside = at.relative_to(root).parts
        for name, is_folder in [*((name, True) for name in below), *((name, False) for name in names)]:
            yield (*inside, name), _Entry(is_folder, 0, (at / name).read_bytes)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _parts(entries: Mapping[_Path, _Entry], name: str) -> dict[str, list[tuple[str, _Path]]]:
    """Part to its pictures as (class name, path), sorted by path; "train" is always there."""
    files = [path for path, entry in entries.items() if not entry.is_folder]
    pictures = sorted(path for path in files if _ending(path) in _ENDINGS)
    if not pictures:
        endings = Counter(_ending(path) or "no ending" for path in files)
        found = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common(4)) if endings else "nothing"
        raise DataError(
            f"{name} holds no images: found {found}; images end in {' '.join(sorted(_ENDINGS))} and lie in one folder a class"
        )
    depth = _wrapping(pictures)
    named = {path[depth] for path in pictures if len(path) > depth + 2 and path[depth].lower() in _PART_NAMES}
    if "train" not in {_PART_NAMES[part.lower()] for part in named}:
        if named and all(path[depth] in named for path in pictures):
            raise DataError(
                f"{name}: found {', '.join(sorted(named))} but no train; put the training images into train/<class>/"
            )
        named = set()
    parts: dict[str, list[tuple[str, _Path]]] = {}
    owner: dict[str, str] = {}
    for path in pictures:
        rest = path[depth:]
        part = "train"
        if named:
            part = _PART_NAMES.get(rest[0].lower(), "")
            if not part:
                raise DataError(
                    f"{name}: {rest[0]} stands beside {', '.join(sorted(named))}, but is no part of a set; move it away"
                )
            if owner.setdefault(part, rest[0]) != rest[0]:
                raise DataError(f"{name}: {owner[part]} and {rest[0]} are both the {part} part; keep one")
            rest = rest[1:]
        if len(rest) < 2:
            raise DataError(
                f"{name}: {'/'.join(path)} lies in no class folder; every image must lie in the folder of its class, such as "
                f"cat/{path[-1]}"
            )
        parts.setdefault(part, []).append((rest[0], path))
    _refuse_hollow(entries, pictures, depth, 2 if named else 1, name)
    return parts


def _ending(path: _Path) -> str:
    return os.path.splitext(path[-1])[1].lower()


def _wrapping(pictures: Sequence[_Path]) -> int:
    """How many outer folders hold everything and mean nothing: neither a class nor a part."""
    depth = 0
    while all(len(path) > depth + 2 for path in pictures) and len({path[depth] for path in pictures}) == 1:
        if pictures[0][depth].lower() in _PART_NAMES:
            break
        depth += 1
    return depth


def _refuse_hollow(
    entries: Mapping[_Path, _Entry], pictures: Sequence[_Path], depth: int, levels: int, name: str
) -> None:
    """Refuse part and class folders (``levels`` deep below ``depth``) without an image: more likely a mistake than a wish."""
    held = {path[:length] for path in pictures for length in range(1, depth + levels + 1)}
    hollow = sorted(
        "/".join(path)
        for path, entry in entries.items()
        if entry.is_folder
        and depth < len(path) <= depth + levels
        and path[:depth] == pictures[0][:depth]
        and path not in held
    )
    if hollow:
        raise DataError(f"{name}: no image in {', '.join(hollow[:5])}; fill or remove the folder")
