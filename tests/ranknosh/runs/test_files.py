import errno
import multiprocessing
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from ranknosh.errors import StoreError, StoreFull
from ranknosh.runs import files
from ranknosh.runs.files import append_synced, temporary_path, write_atomic


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


def test_a_write_that_is_stopped_at_once_leaves_nothing(tmp_path, monkeypatch):
    def stopped(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_what_cannot_be_written_has_advice_for_verbs_with_and_without_a_folder_to_give(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StoreError, match=r"change its permissions, or begin in a folder you may write \(--out\)"):
        write_atomic(tmp_path / "run" / "journal.jsonl", b"")


def test_a_full_disk_is_told_apart_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    path.write_bytes(b"old")
    monkeypatch.setattr(files, "temporary_path", lambda path: tmp_path / ".full.tmp")
    (tmp_path / ".full.tmp").symlink_to("/dev/full")
    with pytest.raises(StoreFull, match="disk holding") as caught:
        write_atomic(path, b"new" * 10_000)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["state.pt"]


def _refused_halfway(path):
    """A file size limit makes the system take a part of a write and refuse the rest, as a full disk does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    with pytest.raises(OSError, match="too large"):
        append_synced(descriptor, b"x" * 200)
    append_synced(descriptor, b"z")


def test_an_append_is_whole_or_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    append_synced(descriptor, b"new" * 10)
    append_synced(descriptor, b"")
    os.close(descriptor)
    assert path.read_bytes() == b"old" + b"new" * 10
    process = multiprocessing.get_context("spawn").Process(target=_refused_halfway, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert path.read_bytes() == b"old" + b"new" * 10 + b"z"


def test_temporary_names_are_hidden_siblings_that_never_repeat(tmp_path):
    names = {temporary_path(tmp_path / "state.pt") for _ in range(1000)}
    assert len(names) == 1000
    assert {path.parent for path in names} == {tmp_path}
    assert all(path.name.startswith(".state.pt.") and path.name.endswith(".tmp") for path in names)


def test_threads_of_one_process_do_not_spoil_each_others_writes(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([number]) * 200_000 for number in range(8)]

    def write(content: bytes) -> None:
        for _ in range(10):
            write_atomic(path, content)
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, contents))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
