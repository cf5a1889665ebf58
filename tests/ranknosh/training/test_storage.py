import errno
import os
import pickle
import shutil
import sys
import uuid
from pathlib import Path
from unittest.mock import Mock

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from ranknosh.errors import ConfigError, MissingDependency, StoreError, StoreFull
from ranknosh.runs import files
from ranknosh.training.storage import FolderStorage, Stored, open_storage


class ServerFiles(LocalFileSystem):
    """A file server: files grow as they are written, and are renamed in one step."""

    protocol = "server"

    @classmethod
    def _strip_protocol(cls, path):
        return LocalFileSystem._strip_protocol(str(path).removeprefix("server://"))


fsspec.register_implementation("server", ServerFiles, clobber=True)


@pytest.fixture(params=["path", "file", "memory", "server"])
def storage(request, tmp_path):
    place = tmp_path / "a folder"
    location = {
        "path": place,
        "file": place.as_uri(),
        "memory": f"memory://{uuid.uuid4().hex}/checkpoints",
        "server": f"server://{place}",
    }[request.param]
    return open_storage(location)


def names(storage, folder=""):
    return sorted(entry.name for entry in storage.list(folder))


def test_every_storage_keeps_lists_and_deletes_files(storage):
    assert storage.list() == storage.list("4") == []
    with pytest.raises(FileNotFoundError):
        storage.read("4/one")
    storage.write("4/one", b"first")
    storage.write("4/two", b"second")
    storage.write("4-r1/one", b"third")
    assert storage.read("4/one") == b"first"
    assert storage.read("4/two") == b"second"
    assert sorted(storage.list()) == [Stored("4", 0, True), Stored("4-r1", 0, True)]
    assert sorted(storage.list("4")) == [Stored("one", 5, False), Stored("two", 6, False)]
    storage.write("4/two", b"again")
    assert storage.read("4/two") == b"again"
    storage.delete("4/one")
    storage.delete("4/one")
    assert names(storage, "4") == ["two"]
    storage.delete_folder("4")
    storage.delete_folder("4")
    assert names(storage) == ["4-r1"]
    storage.delete_folder("4-r1/one")
    assert storage.list("4-r1") == []


def test_setting_aside_renames_or_says_that_it_deletes(storage):
    storage.write("4/bad", b"torn")
    told, kept = storage.set_aside("4/bad"), isinstance(storage, FolderStorage)
    assert told == ("renamed to damaged-*" if kept else "deleted")
    assert names(storage, "4") == (["damaged-bad"] if kept else [])
    assert storage.set_aside("4/bad") == told  # gone: another attempt was first


def test_every_storage_pickles(storage):
    storage.write("4/one", b"first")
    assert pickle.loads(pickle.dumps(storage)).read("4/one") == b"first"


def test_what_is_in_the_way_is_a_store_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    for location in (tmp_path / "taken", f"server://{tmp_path / 'taken'}"):
        with pytest.raises(StoreError, match=r"taken.* cannot be written|cannot write .*taken"):
            open_storage(location).write("4/one", b"")
        assert open_storage(location).list("4") == []


def test_a_server_that_lost_the_folder_is_an_error_and_not_an_empty_folder(tmp_path, monkeypatch):
    storage, stale = open_storage(tmp_path), OSError(errno.ESTALE, "Stale file handle")
    storage.write("4/one", b"first")
    monkeypatch.setattr(os, "scandir", Mock(side_effect=stale))
    with pytest.raises(StoreError, match=r"cannot list .*Stale"):
        storage.list("4")
    monkeypatch.setattr(shutil, "rmtree", Mock(side_effect=stale))
    with pytest.raises(StoreError, match=r"cannot delete .*Stale"):
        storage.delete_folder("4")
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=stale))
    with pytest.raises(FileNotFoundError):  # deleted by another machine while it was open here
        storage.read("4/one")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_no_room_is_told_apart_and_leaves_no_part(tmp_path, monkeypatch):
    (tmp_path / "4").mkdir()
    monkeypatch.setattr(files, "temporary_path", lambda path: path.with_name("temporary"))
    (tmp_path / "4" / "temporary").symlink_to("/dev/full")
    with pytest.raises(StoreFull) as caught:
        open_storage(tmp_path).write("4/state", b"x" * 100_000)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert list((tmp_path / "4").iterdir()) == []


class FullFiles(ServerFiles):
    protocol = "full"

    @classmethod
    def _strip_protocol(cls, path):
        return LocalFileSystem._strip_protocol(str(path).removeprefix("full://"))

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        Path(path).write_bytes(value[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_room_behind_a_url_is_told_apart_and_leaves_no_part(tmp_path):
    fsspec.register_implementation("full", FullFiles, clobber=True)
    with pytest.raises(StoreFull):
        open_storage(f"full://{tmp_path}").write("4/state", b"x" * 100_000)
    assert list((tmp_path / "4").iterdir()) == []


class BrokenFiles(ServerFiles):
    protocol = "broken"

    def cat_file(self, path, **kwargs):
        raise RuntimeError("token expired\nand a long story")

    pipe_file = rm_file = ls = cat_file


def test_what_a_client_raises_is_told_in_one_line_without_the_password():
    fsspec.register_implementation("broken", BrokenFiles, clobber=True)
    storage = open_storage("broken://me:secret@host/x")
    for act in (storage.list, lambda: storage.read("4/a"), lambda: storage.delete("4/a")):
        with pytest.raises(StoreError, match=r"broken://host/x.*RuntimeError: token expired; check") as caught:
            act()
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_drivers_that_are_absent_and_unknown_addresses_are_named(monkeypatch):
    with pytest.raises(ConfigError, match=r"nowhere://a/b is no place for checkpoints"):
        open_storage("nowhere://a/b").list()
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingDependency, match="pip install s3fs"):
        open_storage("s3://bucket/runs").list()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingDependency, match="pip install fsspec"):
        open_storage("memory://x").list()


def test_relative_folders_stay_where_they_were_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    storage = open_storage("here")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.write("4/one", b"1")
    assert (tmp_path / "here" / "4" / "one").read_bytes() == b"1"
