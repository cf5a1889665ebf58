"""The image files below a folder or inside an archive, listed without reading them and read without unpacking to disk."""

from __future__ import annotations

import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from ranknosh.errors import DataError

ENDINGS = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".jp2", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
READ_ERRORS = (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
TreePath = tuple[str, ...]


class Tree(Protocol):
    """Files and folders by their path below the root, as tuples of names. Hidden ones are left out."""

    files: tuple[TreePath, ...]
    folders: tuple[TreePath, ...]

    def read(self, paths: Iterable[TreePath]) -> Iterator[tuple[TreePath, bytes]]:
        """Contents of ``paths``, in the order that is cheapest to read. Raises DataError naming a file that cannot be read."""
        ...


@contextmanager
def open_tree(path: str | os.PathLike[str]) -> Iterator[Tree]:
    """The tree of a folder, a .zip or a .tar (also compressed). Raises DataError where there is none to read."""
    root = Path(path).expanduser()
    require_path(root, "data.folder")
    with ExitStack() as stack:
        try:
            tree = _opened(root, stack)
        except READ_ERRORS as error:
            raise DataError(f"data.folder {root} cannot be read: {_reason(error)}") from error
        yield tree


def _opened(root: Path, stack: ExitStack) -> Tree:
    if root.is_dir():
        return _Folder(root)
    if tarfile.is_tarfile(root):
        return _Tar(root, stack.enter_context(tarfile.open(root)))
    if zipfile.is_zipfile(root):
        return _Zip(root, stack.enter_context(zipfile.ZipFile(root)))
    raise DataError(
        f"data.folder {root} is a file that is neither a zip nor a tar archive; give a folder of class folders, or such a "
        f"folder packed as {', '.join(ARCHIVES)}"
    )


def require_path(path: Path, key: str) -> None:
    """Raise DataError where ``path`` does not exist or cannot be looked at, with what stands nearest to it."""
    try:
        path.stat()
        return
    except FileNotFoundError:
        pass
    except OSError as error:
        raise DataError(f"{key} {path} cannot be read: {_reason(error)}; check the path and its permissions") from error
    nearest = path.absolute().parent
    while not nearest.is_dir():
        nearest = nearest.parent
    try:
        names = sorted(entry.name for entry in nearest.iterdir() if not entry.name.startswith("."))
    except OSError:
        names = []
    shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "") if names else "nothing"
    raise DataError(f"{key} {path} does not exist; the nearest folder that does is {nearest}, which holds {shown}")


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _visible(path: TreePath) -> bool:
    return bool(path) and not any(name.startswith(".") or name == "__MACOSX" for name in path)


class _Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        files: list[TreePath] = []
        folders: list[TreePath] = []
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
            below[:] = [name for name in below if _visible((name,))]
            at = Path(here).relative_to(root).parts
            folders.extend((*at, name) for name in below)
            files.extend((*at, name) for name in names if _visible((name,)))
        self.files, self.folders = tuple(files), tuple(folders)

    def read(self, paths: Iterable[TreePath]) -> Iterator[tuple[TreePath, bytes]]:
        for path in paths:
            try:
                content = self.root.joinpath(*path).read_bytes()
            except OSError as error:
                raise DataError(
                    f"data.folder {self.root}: {'/'.join(path)} cannot be read: {_reason(error)}; check its permissions"
                ) from error
            yield path, content


class _Zip:
    def __init__(self, root: Path, opened: zipfile.ZipFile) -> None:
        self.root, self._opened = root, opened
        names = ((info.filename.replace("\\", "/").split("/"), info) for info in opened.infolist())
        entries = {tuple(part for part in parts if part not in ("", ".")): info for parts, info in names}
        self._entries = {path: info for path, info in entries.items() if _visible(path)}
        self.files = tuple(path for path, info in self._entries.items() if not info.is_dir())
        self.folders = tuple(path for path, info in self._entries.items() if info.is_dir())

    def read(self, paths: Iterable[TreePath]) -> Iterator[tuple[TreePath, bytes]]:
        for path in sorted(paths, key=lambda path: self._entries[path].header_offset):
            try:
                content = self._opened.read(self._entries[path])
            except (*READ_ERRORS, NotImplementedError) as error:
                raise DataError(
                    f"data.folder {self.root}: {'/'.join(path)} cannot be unpacked: {_reason(error)}"
                ) from error
            yield path, content


class _Tar:
    def __init__(self, root: Path, opened: tarfile.TarFile) -> None:
        self.root, self._opened = root, opened
        entries = {tuple(part for part in member.name.split("/") if part not in ("", ".")): member for member in opened}
        self._entries = {path: member for path, member in entries.items() if _visible(path)}
        self.files = tuple(path for path, member in self._entries.items() if not member.isdir())
        self.folders = tuple(path for path, member in self._entries.items() if member.isdir())

    def read(self, paths: Iterable[TreePath]) -> Iterator[tuple[TreePath, bytes]]:
        """In the order of the archive: going back in a compressed one means starting over."""
        for path in sorted(paths, key=lambda path: self._entries[path].offset_data):
            try:
                opened = self._opened.extractfile(self._entries[path])
                content = opened.read() if opened is not None else b""
            except (*READ_ERRORS, KeyError) as error:
                raise DataError(
                    f"data.folder {self.root}: {'/'.join(path)} cannot be unpacked: {_reason(error)}"
                ) from error
            yield path, content
