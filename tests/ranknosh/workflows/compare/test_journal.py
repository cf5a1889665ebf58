"""The comparison's journal: kept whole, cut where it is torn, refused where it is damaged."""

from pathlib import Path

import pytest

from ranknosh.errors import ConfigError, StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.final import Final
from ranknosh.workflows.compare.journal import NAME, ComparisonJournal, read_comparison
from ranknosh.workflows.compare.method import Cost, SearchOutcome

HEADER = {"settings": {"budget": "60s", "final_epochs": 2}, "config": {}}
FOUND = SearchOutcome(Architecture("s", (1,)), Cost(other=2.0), 3.0, 4, "candidates", 5, "done", Path("random/seed-0"))
FINAL = Final(0.5, 0.25, 2, 1.5)


@pytest.fixture
def folder(tmp_path):
    with ComparisonJournal.create(tmp_path / "c", HEADER) as journal:
        journal.begin_session({"methods": ["random"], "seeds": 2, "table": None})
        journal.add_search("random", 0, FOUND)
        journal.add_final("key", 0, FINAL)
        assert journal.kept.searched == {("random", 0): FOUND}
    return tmp_path / "c"


def test_what_was_written_is_read(folder):
    kept = read_comparison(folder)
    assert kept.header["settings"] == HEADER["settings"]
    assert kept.sessions[0]["seeds"] == 2
    assert kept.searched == {("random", 0): FOUND}
    assert kept.trained == {("key", 0): FINAL}


@pytest.mark.parametrize("bytes_left", [1, 30, None])
def test_a_torn_last_line_is_cut_off(folder, bytes_left):
    path = folder / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    torn = b'{"type": "trai\n' if bytes_left is None else lines[-1][:bytes_left]
    path.write_bytes(b"".join(lines[:-1]) + torn)
    assert read_comparison(folder).trained == {}
    with ComparisonJournal.open(folder) as journal:
        journal.add_final("key", 0, FINAL)
    assert path.read_bytes() == b"".join(lines)


def test_damage_before_the_last_line_is_refused(folder):
    path = folder / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + b"".join(lines[2:]))
    with pytest.raises(StoreError, match="damaged at line 2 of 4"):
        ComparisonJournal.open(folder)


def test_a_folder_holds_one_comparison(folder):
    with pytest.raises(ConfigError, match="--resume"):
        ComparisonJournal.create(folder, HEADER)


def test_a_header_that_was_never_finished_is_no_comparison(tmp_path):
    (tmp_path / NAME).write_text('{"type": "hea')
    with pytest.raises(StoreError, match="begin anew"):
        read_comparison(tmp_path)
    ComparisonJournal.create(tmp_path, HEADER).close()
    assert read_comparison(tmp_path).header["settings"] == HEADER["settings"]


@pytest.mark.parametrize("text", ['{"type": "header", "format": 99}\n', '{"type": "header"}\n'])
def test_another_format_is_refused(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(StoreError, match="format"):
        read_comparison(tmp_path)


def test_a_folder_without_one_is_told(tmp_path):
    with pytest.raises(StoreError, match="holds no comparison"):
        ComparisonJournal.open(tmp_path)


def test_two_processes_do_not_share_one(folder):
    with ComparisonJournal.open(folder), pytest.raises(ConfigError, match="in use"):
        ComparisonJournal.open(folder)
    ComparisonJournal.open(folder).close()
