"""Where checkpoints lie: a local or shared folder, or an object store behind an fsspec URL. Bytes by name, nothing more.

Names are relative, ``folder/file``, one level deep. Every call may meet other processes doing the same on other machines.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from ranknosh.errors import ConfigError, MissingDependency, StoreError, first_line
from ranknosh.runs.files import replace_file, temporary_path, write_error

_WHOLE_PUTS = {"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "tos", "hf"}
"""Protocols where a file shows up whole or not at all, and where a rename is a copy."""
_GONE = {("list", errno.ENOTDIR), ("read", errno.ESTALE)}
"""Errors that say there is no such file: no folder of this name, or one deleted by another machine while it was open here. Others
may pass, and what they hide must not be taken for missing."""

T = TypeVar("T")


class Stored(NamedTuple):
    """One name in a listing. ``size`` in bytes, 0 for a folder."""

    name: str
    size: int
    is_folder: bool


def open_storage(location: Path | str) -> Storage:
    """A path, a ``file://`` URL or any fsspec URL."""
    text = str(location)
    scheme = text.partition("://")[0] if "://" in text else ""
    if scheme in ("", "file", "local"):
        # Absolute, because workers that it is sent to may run in another folder.
        return FolderStorage(Path(unquote(urlsplit(text).path) if scheme else text).absolute())
    return UrlStorage(text)


class FolderStorage:
    """A folder of this machine or one shared over a network; made when the first file is written.

    Its methods are those of every storage. They raise StoreFull where there is no room and StoreError where anything else is
    in the way.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def where(self, name: str) -> str:
        """The full path or URL of ``name``, for people to read."""
        return str(self.folder / name)

    def list(self, folder: str = "") -> list[Stored]:
        """What is in ``folder`` now, in no order; empty where there is no such folder."""
        found = []
        with (
            contextlib.suppress(FileNotFoundError),
            self._storing("list", folder),
            os.scandir(self.folder / folder) as rows,
        ):
            for row in rows:
                with contextlib.suppress(FileNotFoundError):  # deleted since the listing
                    is_folder = row.is_dir(follow_symlinks=False)
                    found.append(Stored(row.name, 0 if is_folder else row.stat().st_size, is_folder))
        return found

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError where there is no such file (any more)."""
        with self._storing("read", name):
            return (self.folder / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write a file that is there whole or not at all.

        Raises FileNotFoundError where another process removed the folder or the temporary file meanwhile.
        """
        path, folder = self.folder / name, (self.folder / name).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)
        except FileNotFoundError:
            raise
        except OSError as error:
            if isinstance(error, FileExistsError) and (folder.is_dir() or not os.path.lexists(folder)):
                raise FileNotFoundError(str(folder)) from error  # removed while mkdir looked at it
            raise write_error(folder, error) from error

    def delete(self, name: str) -> None:
        """Delete a file; nothing happens where there is none."""
        with contextlib.suppress(FileNotFoundError), self._storing("delete", name):
            (self.folder / name).unlink(missing_ok=True)

    def delete_folder(self, folder: str) -> None:
        """Delete a folder, or a file of that name, and all that is in it; nothing happens where there is none."""
        path = self.folder / folder
        try:
            is_folder = stat.S_ISDIR(path.lstat().st_mode)  # one look: a writer may make the folder anew after it
        except OSError:
            return
        if not is_folder:
            self.delete(folder)
            return

        def judge(_call: Any, _path: Any, caught: Any) -> None:
            error = caught[1] if isinstance(caught, tuple) else caught
            # Gone already, or written to again (or still open elsewhere, on NFS) since it was emptied.
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EBUSY):
                raise error

        with self._storing("delete", folder):
            if sys.version_info >= (3, 12):
                shutil.rmtree(path, onexc=judge)
            else:
                shutil.rmtree(path, onerror=judge)

    def set_aside(self, name: str) -> str:
        """Take a file out of the way, so that it is not met again, and say what was done; it may be gone."""
        path = self.folder / name
        with contextlib.suppress(FileNotFoundError), self._storing("rename", name):
            os.replace(path, path.with_name(f"damaged-{path.name}"))
        return "renamed to damaged-*"

    @contextlib.contextmanager
    def _storing(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            if (verb, error.errno) in _GONE:
                raise FileNotFoundError(name) from error
            reason = f"{error.strerror or error}; check its permissions"
            raise StoreError(f"cannot {verb} {self.folder / name}: {reason}") from error


class UrlStorage:
    """Any file system that fsspec knows, with the methods of :class:`FolderStorage`.

    Object stores get one PUT a file; elsewhere a file is renamed into place.

    Nothing is held open, so that an instance pickles and survives a fork.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def where(self, name: str) -> str:
        shown = re.sub(r"://[^/@]*@", "://", self.url)  # a password may stand in front of the host
        return f"{shown}/{name}" if name else shown

    def list(self, folder: str = "") -> list[Stored]:
        def listing(files: Any, path: str) -> list[Stored]:
            files.invalidate_cache(path)
            found = []
            for row in files.ls(path, detail=True):
                place = row["name"].rstrip("/")
                if place != path.rstrip("/"):  # some stores list a folder's own marker, and a file as its own content
                    is_folder = row["type"] == "directory"
                    found.append(Stored(posixpath.basename(place), 0 if is_folder else row["size"] or 0, is_folder))
            return found

        try:
            return self._call("list", folder, listing)
        except FileNotFoundError:
            return []

    def read(self, name: str) -> bytes:
        return self._call("read", name, lambda files, path: bytes(files.cat_file(path)))

    def write(self, name: str, data: bytes) -> None:
        whole = self.url.partition("://")[0] in _WHOLE_PUTS
        first = name if whole else temporary_path(Path(name)).as_posix()

        def put(files: Any, path: str) -> None:
            if not whole:
                files.makedirs(posixpath.dirname(path), exist_ok=True)
            files.pipe_file(path, data)

        def rename(files: Any, path: str) -> None:
            files.mv(posixpath.join(posixpath.dirname(path), posixpath.basename(first)), path)

        try:
            self._call("write", first, put)
        except FileNotFoundError as error:  # no such bucket
            raise self._failure("write", name, error) from error
        except StoreError:
            if not whole:
                with contextlib.suppress(StoreError):  # a full disk should not keep a part that nobody can use
                    self.delete(first)
            raise
        if not whole:
            self._call("write", name, rename)

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._call("delete", name, lambda files, path: files.rm_file(path))

    def delete_folder(self, folder: str) -> None:
        def remove(files: Any, path: str) -> None:
            files.invalidate_cache(path)
            files.rm(path, recursive=True)

        with contextlib.suppress(FileNotFoundError):
            self._call("delete", folder, remove)

    def set_aside(self, name: str) -> str:
        self.delete(name)
        return "deleted"

    def _call(self, verb: str, name: str, action: Callable[[Any, str], T]) -> T:
        """``action(file system, path of name)``; fsspec keeps one file system a process. Raises FileNotFoundError as it is."""
        try:
            import fsspec

            files, root = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            driver = re.search(r"[Ii]nstall (\S+)", str(error))
            package = driver.group(1) if driver else error.name or "fsspec[full]"
            raise MissingDependency(package, f"keeping checkpoints at {self.where('')}") from error
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"{self.where('')} is no place for checkpoints: {error}; give a folder or a URL that fsspec knows"
            ) from error
        try:
            return action(files, f"{root.rstrip('/')}/{name}" if name else root)
        except FileNotFoundError:
            raise
        except NotADirectoryError as error:
            raise FileNotFoundError(name) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise write_error(Path(self.where("")), error) from error
            raise self._failure(verb, name, error) from error
        except Exception as error:  # what a storage's client raises is not limited to a few types
            raise self._failure(verb, name, error) from error

    def _failure(self, verb: str, name: str, error: Exception) -> StoreError:
        return StoreError(
            f"cannot {verb} {self.where(name)}: {first_line(error, named=True)}; "
            "check the address, the credentials and the connection, then continue with `ranknosh resume`"
        )


Storage: TypeAlias = FolderStorage | UrlStorage
