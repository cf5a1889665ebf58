"""The journal as files and processes really treat it: cuts at any byte, two writers, a full disk, damage."""

import multiprocessing
import os
import resource
import shutil
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Session, Stopped
from ranknosh.errors import ConfigError, StoreError, StoreFull
from ranknosh.runs.store import NAME, Journal, read_journal
from tests.ranknosh_simulation import decisions, simulate

PYRAMID = Pyramid.make((1, 2, 4), 0.5, initial=6, batch=3)
HEADER = {"config": {"budget": {"epochs": 40}}, "seed": 0}


@pytest.fixture(scope="module")
def whole():
    return simulate(PYRAMID, epochs=40)[1]


@pytest.fixture
def folder(tmp_path, whole):
    with Journal.create(tmp_path / "run", HEADER) as journal:
        for record in whole:
            journal.append([record])
    return tmp_path / "run"


def test_what_is_written_is_read_again(folder, whole):
    history = read_journal(folder)
    assert history.records == whole
    assert history.header["seed"] == 0
    assert history.torn_bytes == 0
    assert len(history.times) == len(whole)
    assert history.times == sorted(history.times)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_at_any_byte_and_resumed_it_is_the_identical_run(folder, whole, tmp_path_factory, data):
    content = (folder / NAME).read_bytes()
    header_end = content.index(b"\n") + 1
    cut = data.draw(st.integers(header_end, len(content)))
    torn = tmp_path_factory.mktemp("torn")
    (torn / NAME).write_bytes(content[:cut])
    with Journal.open(torn) as journal:
        kept = journal.history.records
        assert kept == whole[: len(kept)]
        _, resumed = simulate(PYRAMID, epochs=40, history=kept)
        journal.append(resumed[len(kept) :])
    assert read_journal(torn).records == whole
    assert decisions(resumed) == decisions(whole)


def test_reading_a_torn_journal_does_not_change_it(folder):
    content = (folder / NAME).read_bytes()[:-7]
    (folder / NAME).write_bytes(content)
    assert read_journal(folder).torn_bytes > 0
    assert (folder / NAME).read_bytes() == content


@pytest.mark.parametrize("damage", [b"\x00\xff garbage", b'{"type": "unknown"}', b"[1, 2]", b'{"type": "observed"}'])
def test_damage_before_the_last_line_is_refused_with_its_line(folder, damage):
    lines = (folder / NAME).read_bytes().split(b"\n")
    lines[4] = damage
    (folder / NAME).write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match="line 5 of"):
        Journal.open(folder)
    assert (folder / NAME).read_bytes() == b"\n".join(lines)


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"type": "header", "format": 99}\n', b'{"type":'])
def test_a_file_that_is_no_journal_is_refused(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StoreError):
        Journal.open(tmp_path)


def test_a_folder_without_a_run_says_what_to_give(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StoreError, match="holds no run"):
            read_journal(path)
        with pytest.raises(StoreError, match="holds no run"):
            Journal.open(path)
    assert list(tmp_path.iterdir()) == []


def test_a_second_search_in_the_folder_is_refused(folder):
    with pytest.raises(ConfigError, match="already holds a search"):
        Journal.create(folder, HEADER)
    with Journal.open(folder), pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        Journal.open(folder)
    Journal.open(folder).close()


def _hold(folder, ready):
    journal = Journal.open(folder)
    ready.set()
    signal.pause()
    journal.close()


def test_a_killed_process_leaves_no_lock_behind(folder):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(folder, ready))
    process.start()
    assert ready.wait(30)
    with pytest.raises(ConfigError, match="in use"):
        Journal.open(folder)
    process.kill()
    process.join()
    Journal.open(folder).close()


def test_time_goes_on_over_sessions(folder):
    before = read_journal(folder).times[-1]
    with Journal.open(folder) as journal:
        assert journal.seconds >= before
        journal.append([Stopped("epochs")])
    assert read_journal(folder).times[-1] >= before


def test_later_sessions_may_change_limits(folder):
    with Journal.open(folder) as journal:
        journal.append([Session(2, 1, "cpu", "resume", changes={"budget.epochs": 60})])
    assert read_journal(folder).config["budget"]["epochs"] == 60
    assert read_journal(folder).header["config"]["budget"]["epochs"] == 40


def test_a_full_disk_keeps_every_whole_record(folder, whole):
    """A file size limit makes the system refuse a write in the middle of it, as a full disk does."""
    size = (folder / NAME).stat().st_size
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write_until_refused, args=(folder, size + 100))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert read_journal(folder).records[: len(whole)] == whole
    assert read_journal(folder).torn_bytes == 0


def _write_until_refused(folder, limit):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal.open(folder) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(StoreError, match="cannot be written"):
            _append_for_long(journal, "x" * 30)


def _append_for_long(journal, text):
    for _ in range(1000):
        journal.append([Stopped("epochs", text)])


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting a small disk needs root")
def test_a_really_full_disk_is_named(tmp_path):
    import subprocess

    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        with Journal.create(disk / "run", HEADER) as journal, pytest.raises(StoreFull, match="disk holding"):
            _append_for_long(journal, "x" * 300)
        assert read_journal(disk / "run").torn_bytes == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        Journal.create(tmp_path / "run", HEADER)
