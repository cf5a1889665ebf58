"""The journal as files and processes really treat it: cuts at any byte, two writers, a full disk, damage."""

import multiprocessing
import os
import resource
import shutil
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import RECORDS, Observed, Proposed, Session, Stopped
from ranknosh.errors import ConfigError, StoreError, StoreFull
from ranknosh.runs.journal import FILE, FORMAT, DamagedLine, Header, Journal, chained, dump, parse, read_history
from ranknosh.runs.repair import repair
from ranknosh.runs.run import settings_of
from tests.processes import HANG_SECONDS
from tests.ranknosh_simulation import decisions, simulate

PYRAMID = Pyramid.make((1, 2, 4), 0.5, initial=6, batch=3)
HEADER = Header(FORMAT, "search", "run-1", "2026", "ranknosh search", {"budget": {"epochs": 40}, "seed": 0}, {}, {}, {})


def created(folder):
    folder.mkdir(exist_ok=True)
    return Journal.create(folder, HEADER)


def kinds(header):
    return RECORDS


def fold(history):
    return Pool.of(history.records)


def read_journal(folder):
    return read_history(folder, kinds)


def open_journal(folder):
    return Journal.open(folder, kinds)


def enter(journal):
    """Only opens or creates a journal."""
    with journal:
        pass


@pytest.fixture(scope="module")
def whole():
    return simulate(PYRAMID, epochs=40)[1]


@pytest.fixture
def folder(tmp_path, whole):
    with created(tmp_path / "run") as journal:
        for record in whole:
            journal.append([record])
    return tmp_path / "run"


def test_what_is_written_is_read_again(folder, whole):
    history = read_journal(folder)
    assert history.records == whole
    assert history.header == HEADER
    assert history.torn_bytes == 0
    assert len(history.times) == len(whole)
    assert history.times == sorted(history.times)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_at_any_byte_and_resumed_it_is_the_identical_run(folder, whole, tmp_path_factory, data):
    content = (folder / FILE).read_bytes()
    header_end = content.index(b"\n") + 1
    cut = data.draw(st.integers(header_end, len(content)))
    torn = tmp_path_factory.mktemp("torn")
    (torn / FILE).write_bytes(content[:cut])
    with open_journal(torn) as journal:
        kept = journal.history.records
        assert kept == whole[: len(kept)]
        _, resumed = simulate(PYRAMID, epochs=40, history=kept)
        journal.append(resumed[len(kept) :])
    assert read_journal(torn).records == whole
    assert decisions(resumed) == decisions(whole)


def test_reading_a_torn_journal_does_not_change_it(folder):
    content = (folder / FILE).read_bytes()[:-7]
    (folder / FILE).write_bytes(content)
    assert read_journal(folder).torn_bytes > 0
    assert (folder / FILE).read_bytes() == content


@pytest.mark.parametrize("damage", [b"\x00\xff garbage", b'{"type": "unknown"}', b"[1, 2]", b'{"type": "observed"}'])
def test_damage_before_the_last_line_is_refused_with_its_line(folder, damage):
    lines = (folder / FILE).read_bytes().split(b"\n")
    lines[4] = damage
    (folder / FILE).write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match=r"line 5: .*ranknosh repair"):
        enter(open_journal(folder))
    assert (folder / FILE).read_bytes() == b"\n".join(lines)


@pytest.mark.parametrize("content", [b"", b"{}\n", b'{"type": "header", "format": 1}\n', b'{"type":'])
def test_a_file_that_is_no_journal_is_refused(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreError):
        enter(open_journal(tmp_path))


def test_a_folder_without_a_run_says_what_to_give(tmp_path):
    for path, message in (
        (tmp_path, "holds no run"),
        (tmp_path / "missing", r"missing does not exist; give the folder"),
    ):
        with pytest.raises(StoreError, match=message):
            read_journal(path)
        with pytest.raises(StoreError, match=message):
            enter(open_journal(path))
    assert list(tmp_path.iterdir()) == []


def test_a_second_search_in_the_folder_is_refused(folder):
    with pytest.raises(ConfigError, match="holds a run already"):
        enter(created(folder))
    with open_journal(folder), pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        enter(open_journal(folder))
    enter(open_journal(folder))


def _hold(folder, ready):
    with open_journal(folder):
        ready.set()
        signal.pause()


def test_a_killed_process_leaves_no_lock_behind(folder):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(folder, ready))
    process.start()
    assert ready.wait(HANG_SECONDS)
    with pytest.raises(ConfigError, match="in use"):
        enter(open_journal(folder))
    process.kill()
    process.join()
    enter(open_journal(folder))


def test_time_goes_on_over_sessions(folder):
    before = read_journal(folder).times[-1]
    with open_journal(folder) as journal:
        assert journal.seconds >= before
        journal.append([Stopped("epochs")])
    assert read_journal(folder).times[-1] >= before


def test_later_sessions_may_change_limits(folder):
    with open_journal(folder) as journal:
        journal.append([Session(2, 1, "cpu", "resume", changes={"budget.epochs": 60})])
    assert settings_of(read_journal(folder))["budget"]["epochs"] == 60
    assert read_journal(folder).header.settings["budget"]["epochs"] == 40


def test_a_full_disk_keeps_every_whole_record(folder, whole):
    """A file size limit makes the system refuse a write in the middle of it, as a full disk does."""
    size = (folder / FILE).stat().st_size
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write_until_refused, args=(folder, size + 100))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert read_journal(folder).records[: len(whole)] == whole
    assert read_journal(folder).torn_bytes == 0


def test_a_journal_that_is_removed_under_a_running_run_ends_it_at_its_next_line(folder):
    with open_journal(folder) as journal:
        journal.append([Stopped("epochs", "a")])
        (folder / "journal.jsonl").unlink()
        with pytest.raises(StoreError, match=r"journal\.jsonl was removed while the run wrote it.*begin a new run"):
            journal.append([Stopped("epochs", "b")])


def _write_until_refused(folder, limit):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open_journal(folder) as journal:
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
        enter(created(tmp_path / "run"))


def accepted(data):
    """Whether a changed journal reads without a word: an unfinished last line is said."""
    try:
        return parse(data, kinds).torn_bytes == 0
    except (DamagedLine, StoreError):
        return False


@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flipped_bit_is_accepted(folder, data):
    content = bytearray((folder / FILE).read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    assert not accepted(bytes(content))


def test_no_line_can_be_removed_doubled_or_swapped_but_whole_ones_at_the_end(folder):
    lines = (folder / FILE).read_bytes().splitlines(keepends=True)
    for place in range(len(lines)):
        without, twice = lines[:place] + lines[place + 1 :], lines[: place + 1] + lines[place:]
        assert accepted(b"".join(without)) == (place == len(lines) - 1)
        assert not accepted(b"".join(twice))
        if place:
            swapped = [*lines[: place - 1], lines[place], lines[place - 1], *lines[place + 1 :]]
            assert not accepted(b"".join(swapped))


def test_a_line_of_another_journal_is_refused(folder, whole):
    other = dump(Header(FORMAT, "search", "run-2", "2026", "ranknosh search", {}, {}, {}, {}), whole).splitlines(True)
    lines = (folder / FILE).read_bytes().splitlines(True)
    assert not accepted(b"".join([*lines[:4], other[4], *lines[5:]]))


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (Proposed, b'"batch":0', b'"batch":"x"'),
        (Observed, b'"level":1', b'"level":null'),
        (Observed, b'"seconds":', b'"sekunden":'),
        (Observed, b'"level":', b'"level":?'),
        (Observed, b'"metric":0.', b'"metric":NaN,"x":0.'),
        (Observed, b'"metric":0.', b'"metric":1e400,"x":0.'),
        (Observed, b'"epochs":1', b'"epochs":' + b"1" * 400),
    ],
)
def test_fields_are_checked_even_where_the_digest_agrees(whole, kind, before, after):
    """As another version, or a hand with the means, would write them."""
    from ranknosh.runs.journal import _digest

    record = next(record for record in whole if isinstance(record, kind))
    first, start = chained([HEADER])
    content = chained([record], count=1, digest=start)[0].rpartition(b', "digest"')[0]
    assert before in content
    changed = content.replace(before, after, 1)
    line = b'%s, "digest": "%s"}\n' % (changed, _digest(start, changed).encode())
    with pytest.raises(DamagedLine, match=rf"is no {kind.__name__.lower()} \(\w"):
        parse(first + line, kinds)


def test_a_number_that_json_has_not_is_never_written(folder):
    size = (folder / FILE).stat().st_size
    with open_journal(folder) as journal, pytest.raises(ValueError, match="expected value"):
        journal.append([Stopped("epochs"), Session(2, 1, "cpu", "c", details={"loss": float("nan")})])
    assert (folder / FILE).stat().st_size == size
    with open_journal(folder) as journal:
        journal.append([Stopped("epochs")])
    assert isinstance(read_journal(folder).records[-1], Stopped)


def test_the_clock_stands_still_until_work_begins(folder, monkeypatch):
    now = iter([100.0, 107.0])
    monkeypatch.setattr("ranknosh.runs.journal.time.monotonic", lambda: next(now))
    before = read_journal(folder).seconds
    with open_journal(folder) as journal:
        assert journal.seconds == before
        journal.start_clock()
        assert journal.seconds == before + 7.0


def test_a_run_of_the_first_version_is_refused_in_one_sentence(tmp_path):
    (tmp_path / FILE).write_bytes(b'{"type": "header", "format": 1, "config": {}}\n{"type": "session"}\n')
    with pytest.raises(StoreError, match="format 1 and this version reads format 2; start a new run"):
        read_journal(tmp_path)


def test_repair_cuts_at_the_last_good_line_and_keeps_a_copy(folder, whole):
    content = (folder / FILE).read_bytes()
    lines = content.splitlines(True)
    lines[7] = lines[7].replace(b'"t"', b'"T"', 1)
    (folder / FILE).write_bytes(b"".join(lines))
    expected = repair(folder, kinds, fold, dry_run=True)
    assert (expected.number, expected.lines, expected.kept) == (8, len(lines) - 7, len(b"".join(lines[:7])))
    assert repair(folder, kinds, fold) == expected
    assert expected.copy.read_bytes() == b"".join(lines)
    assert read_journal(folder).records == whole[:6]
    assert repair(folder, kinds, fold) is None


def test_repair_needs_a_first_line_and_the_lock(folder):
    with open_journal(folder), pytest.raises(ConfigError, match="in use"):
        repair(folder, kinds, fold)
    content = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(b"x" + content)
    with pytest.raises(StoreError, match="nothing of the run is known"):
        repair(folder, kinds, fold)
    assert (folder / FILE).read_bytes() == b"x" + content
