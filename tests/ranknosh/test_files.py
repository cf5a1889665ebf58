import errno
import os

import pytest

from ranknosh.errors import StoreError, StoreFull
from ranknosh.files import write_atomic


def test_the_new_content_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "folder" / "file"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match="taken cannot be written"):
        write_atomic(tmp_path / "taken" / "file", b"x")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_is_told_apart_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "state.pt"
    path.write_bytes(b"old")
    (tmp_path / f".state.pt.{os.getpid()}.tmp").symlink_to("/dev/full")
    with pytest.raises(StoreFull, match="disk holding") as caught:
        write_atomic(path, b"new" * 10_000)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]
