"""Image folders: class/picture.png, alone or below train, validation and test, in a folder or an archive.

Files are listed without reading them and read without unpacking an archive to disk.
"""

import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ranknosh.config.learning import ARCHIVES, DataConfig
from ranknosh.errors import DataError
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.decode import Decoder
from ranknosh.tasks.data.inputs import Remark, notes_of
from ranknosh.tasks.data.layout import FilePath, Parts, find_parts
from ranknosh.tasks.data.lazy import noticed
from ranknosh.tasks.data.reading import READ_ERRORS, check_size, read_picture, reason, require_path
from ranknosh.tasks.data.source import Indices, build, divide


def load_folder(path: str, section: DataConfig, seed: int) -> Data:
    """The images of a folder or an archive (.zip, .tar, .tar.gz), which is read without unpacking it to disk.

    Accepted: class folders; or ``train`` with class folders and, where there are, ``val``/``valid``/``validation`` and
    ``test``; either may sit in one wrapping folder. Folders of other names are parts where they hold the same class folders and
    their names tell which, or ``data.parts`` does. Class names are sorted, those of train count. Files that are no pictures by
    their ending are passed over and counted. Only the pictures that are kept (limits) are decoded.

    Args:
        path: of the folder or archive.
        section: how it is divided, and the side that images are brought to.
        seed: of the division.

    Raises:
        DataError: for a missing or unreadable path, no images, images outside of class folders, an empty class folder, one
            class, too few images for the split, files that cannot be decoded (named), sizes that differ without ``resize``.
    """
    with _listing(path, section) as listed:
        root, name, parts, found = listed.root, listed.name, listed.parts, listed.found
        decoder = Decoder(name, section.resize)

        def fetch(part: str, indices: Indices) -> torch.Tensor:
            places = {parts[part][index][1]: position for position, index in enumerate(indices.tolist())}
            # In the order of an archive: going back in a compressed one means starting over.
            order = sorted(places, key=lambda path: found[path].position)
            return decoder.decode(((places[path], "/".join(path), found[path].read) for path in order), len(places))

        def source(part: str) -> Files:
            return Files(root, [found[path].name for _, path in parts[part]], name, section.resize)

        on_disk = None if root.is_file() and tarfile.is_tarfile(root) else source  # a tar is read in one go
        data = build(name, listed.classes, listed.labels, fetch, section, seed, title=Path(path).name, source=on_disk)
        return replace(data, notes=(*listed.notes, *notes_of([*decoder.noticed(), *noticed(data)])))


@dataclass
class _Listing:
    """The pictures of a folder or an archive, before any is read."""

    root: Path
    name: str
    found: dict[FilePath, "_Entry"]
    parts: Parts
    notes: tuple[str, ...]
    classes: tuple[str, ...]
    labels: dict[str, Indices]


@contextmanager
def _listing(path: str, section: DataConfig) -> Iterator[_Listing]:
    """What is there, and open while it is used. Raises the errors of :func:`load_folder` that need no picture."""
    root, name = Path(path).expanduser(), f"data.folder {path}"
    require_path(root, "data.folder")
    with ExitStack() as stack:
        try:
            found = {where: file for where, file in _entries(root, stack) if where and not any(map(_is_hidden, where))}
        except READ_ERRORS as error:
            raise DataError(f"data.folder {root} cannot be read: {reason(error)}") from error
        for where in found:
            _require_text("/".join(where), name)
        files = [where for where, file in found.items() if not file.is_folder]
        folders = [where for where, file in found.items() if file.is_folder]
        parts, notes = find_parts(files, folders, {str(part): folder for part, folder in section.parts.items()}, name)
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
        yield _Listing(root, name, found, parts, notes, classes, labels)


def _require_text(path: str, name: str) -> None:
    """Names of classes are written into journals and pages, which hold text only."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = path.encode(errors="surrogateescape")
        raise DataError(f"{name}: the name {shown!r} is no UTF-8 text; rename it") from None


class Overview(NamedTuple):
    """Examples by part, how many classes there are, and (width, height) of each picture looked at."""

    counts: dict[str, int]
    classes: int
    sizes: tuple[tuple[int, int], ...]


def look_at_folder(path: str, section: DataConfig, seed: int, most: int) -> Overview:
    """How many pictures every part would have, and the sizes of some, of which no more than the headers are decoded.

    Args:
        path: of the folder or archive.
        section: how it is divided.
        seed: of the division.
        most: pictures that are looked at, evenly spread over the training part.

    Raises:
        DataError: as :func:`load_folder`.
    """
    with _listing(path, section) as listed:
        taken = divide(listed.labels, section, seed, listed.classes, listed.name)
        pictures = [file for _, file in listed.parts["train"]]
        spread = np.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().astype(int)
        chosen = sorted((pictures[index] for index in spread), key=lambda file: listed.found[file].position)
        decoder, sizes = Decoder(listed.name, None), []
        for file in chosen:
            sizes.append(decoder.size("/".join(file), listed.found[file].read))
        counts = {part: len(indices) for part, (_, indices) in taken.items()}
        return Overview(counts, len(listed.classes), tuple(sizes))


@dataclass
class Files:
    """The pictures of a folder or a zip archive, read and decoded one by one; ``names`` are theirs below ``root``."""

    root: Path
    names: list[str]
    where: str
    resize: int | None

    def __post_init__(self) -> None:
        self._decoder = Decoder(self.where, self.resize)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self._decoder.one(self.names[index], partial(self._content, self.names[index]))

    def noticed(self) -> list[Remark]:
        """What of the pictures is not in the pixels, since this was last asked."""
        return self._decoder.noticed()

    def _content(self, name: str) -> bytes:
        return _unzipped(_opened(self.root), name) if self.root.is_file() else read_picture(self.root / name)


def _opened(archive: Path) -> zipfile.ZipFile:
    """A zip archive, whose long list of files is read once in every process: one that is shared would read at the place that
    another process has sought."""
    state = archive.stat()
    key = os.getpid(), str(archive), state.st_mtime_ns, state.st_size
    if key not in _OPEN:
        _OPEN.clear()
        _OPEN[key] = zipfile.ZipFile(archive)
    return _OPEN[key]


_OPEN: dict[tuple[int, str, int, int], zipfile.ZipFile] = {}


class _Entry(NamedTuple):
    """A file or folder below the root: ``position`` is its place in an archive, ``read`` gives a file's content, and ``name`` is
    that by which it is found again."""

    is_folder: bool
    position: int
    name: str
    read: Callable[[], bytes]


def _entries(root: Path, stack: ExitStack) -> Iterator[tuple[FilePath, _Entry]]:
    """What is in a folder, a .zip or a .tar (also compressed), the last of which ``stack`` closes."""
    if root.is_dir():
        return _listed(root)
    if tarfile.is_tarfile(root):
        return _in_tar(stack.enter_context(tarfile.open(root)))
    if zipfile.is_zipfile(root):
        return _in_zip(_opened(root))
    raise DataError(
        f"data.folder {root} is a file that is neither a zip nor a tar archive; give a folder of class folders, or such a "
        f"folder packed as {', '.join(ARCHIVES)}"
    )


def _in_tar(opened: tarfile.TarFile) -> Iterator[tuple[FilePath, _Entry]]:
    def content(member: tarfile.TarInfo) -> bytes:
        check_size(member.size)
        file = opened.extractfile(member)
        return file.read() if file is not None else b""

    for member in opened:
        yield _split(member.name), _Entry(member.isdir(), member.offset_data, member.name, partial(content, member))


def _in_zip(opened: zipfile.ZipFile) -> Iterator[tuple[FilePath, _Entry]]:
    for info in opened.infolist():
        path = _split(info.filename.replace("\\", "/"))
        yield path, _Entry(info.is_dir(), info.header_offset, info.filename, partial(_unzipped, opened, info.filename))


def _unzipped(opened: zipfile.ZipFile, name: str) -> bytes:
    check_size(opened.getinfo(name).file_size)  # no more than that is unpacked
    return opened.read(name)


def _split(name: str) -> FilePath:
    return tuple(part for part in name.split("/") if part not in ("", "."))


def _listed(root: Path) -> Iterator[tuple[FilePath, _Entry]]:
    entered: dict[str, str] = {}

    def refuse(error: OSError) -> None:
        raise DataError(
            f"data.folder {root}: {error.filename} cannot be listed: {reason(error)}; check its permissions"
        )

    for here, below, names in os.walk(root, onerror=refuse, followlinks=True):
        real = os.path.realpath(here)
        if real in entered:
            below.clear()  # a link back into the tree would never end
            if real not in (os.path.realpath(above) for above in Path(here).parents):
                raise DataError(
                    f"data.folder {root}: {here} and {entered[real]} are one folder by a link; parts and classes hold different "
                    "pictures, so remove the link"
                )
            continue
        entered[real] = here
        below[:] = [name for name in below if not _is_hidden(name)]
        at = Path(here)
        inside = at.relative_to(root).parts
        for name, is_folder in [*((name, True) for name in below), *((name, False) for name in names)]:
            yield (*inside, name), _Entry(is_folder, 0, "/".join((*inside, name)), partial(read_picture, at / name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
