"""ranknosh/runs/run.py: what begins, stops and leaves nothing behind, in a run of the smallest kind."""

import shutil

import pytest

from ranknosh.config.settings import Settings
from ranknosh.core.records import Folded, Session
from ranknosh.errors import StoreFull
from ranknosh.runs import journal
from ranknosh.runs.events import Opened
from ranknosh.runs.folder import LOCK, OWNER, discard, locked
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.run import Run, begin


class Nothing(Folded):
    def apply(self, record):
        pass


class Stopped(Run):
    """Is stopped from outside as soon as it has begun."""

    WORKFLOW, SETTINGS, RECORDS, STATE = "stopped", Settings, (Session,), Nothing
    reason, exit_code = None, 5

    @classmethod
    def prepare(cls, settings, events, **given):
        return Prepared("stopped", None)

    def work(self, session, prepared):
        session.began("cpu")
        session.stop.request()
        session.check_stop()

    def status(self):
        return {}

    def top(self, count):
        return []

    def page(self):
        return ""


def test_a_run_that_is_stopped_says_its_folder_once(tmp_path):
    heard = []
    with pytest.raises(KeyboardInterrupt):
        begin(Stopped, Settings(out=str(tmp_path)), command="x", events=heard.append)
    assert [event.folder.name for event in heard if isinstance(event, Opened)] == ["stopped-001"]
    assert len(Stopped.read(tmp_path / "stopped-001").sessions) == 1


def test_a_run_whose_first_line_cannot_be_written_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, data):
        raise StoreFull("the disk is full")

    monkeypatch.setattr(journal, "write_atomic", full)
    with pytest.raises(StoreFull):
        begin(Stopped, Settings(out=str(tmp_path)), command="x")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_where_the_first_line_cannot_be_written(tmp_path, monkeypatch):
    def full(path, data):
        raise StoreFull("the disk is full")

    monkeypatch.setattr(journal, "write_atomic", full)
    (tmp_path / "mine").mkdir()
    with pytest.raises(StoreFull):
        begin(Stopped, Settings(out=str(tmp_path), name="mine"), command="x")
    assert (tmp_path / "mine").is_dir()


def test_a_folder_in_which_another_process_begins_keeps_its_lock(tmp_path):
    (tmp_path / "mine").mkdir()
    with locked(tmp_path / "mine"):
        discard(tmp_path / "mine")
        assert {path.name for path in (tmp_path / "mine").iterdir()} == {LOCK, OWNER}
    discard(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_ends_while_waste_is_looked_for_is_none(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        begin(Stopped, Settings(out=str(tmp_path), name="mine"), command="x")
    (tmp_path / "mine" / ".report.html.host-7-0123456789abcdef.tmp").symlink_to(tmp_path / "renamed")
    assert Stopped.read(tmp_path / "mine").waste(everything=False) == []


def test_what_a_killed_write_left_may_be_cleaned_away(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        begin(Stopped, Settings(out=str(tmp_path), name="mine"), command="x")
    left = tmp_path / "mine" / ".journal.jsonl.host-7-0123456789abcdef.tmp"
    shutil.copy(tmp_path / "mine" / journal.FILE, left)
    (waste,) = Stopped.read(tmp_path / "mine").waste(everything=False)
    assert (waste.where, waste.size) == (str(left), left.stat().st_size)
    waste.remove()
    assert not left.exists()
