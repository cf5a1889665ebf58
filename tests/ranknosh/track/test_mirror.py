"""A tracker follows the journal, and nothing its log does reaches the search."""

import threading
import time

import pytest

from ranknosh.core.pool import Pool
from ranknosh.runs.listener import Silent
from ranknosh.track import Several, Tracker, trackers_of
from ranknosh.track.mirror import Tail


class Kept:
    """A log in memory; ``wrong`` is raised and ``wait`` waited for by every write."""

    name, pause_seconds = "memory", 0.0

    def __init__(self, wrong=None, wait=None):
        self.wrong, self.wait, self.entries, self.called = wrong, wait, [], []

    def open(self, header, header_line):
        self.called.append("open")

    def write(self, entries, series):
        self.called.append("write")
        if self.wait:
            self.wait.wait()
        if self.wrong:
            raise self.wrong
        self.entries += entries

    def close(self, series):
        self.called.append("close")


def test_every_record_comes_once_in_order_with_its_own_time(tmp_path, story):
    folder, log = story.journal(tmp_path / "run", 3), Kept()
    tracker = Tracker(log, folder)
    for count in range(4, len(story.records) + 1):
        story.journal(folder, count, onto=count - 1)
        tracker.on_records([], Pool(), 0.0)
    tracker.close()
    assert [entry.record for entry in log.entries] == [record for _, record in story.records]
    assert [entry.number for entry in log.entries] == list(range(len(story.records)))
    assert [entry.wall_time for entry in log.entries] == [story.began + seconds for seconds, _ in story.records]
    assert (log.called[0], log.called[-1]) == ("open", "close")


def test_a_line_that_is_being_written_is_left_for_later(tmp_path, story):
    folder = story.journal(tmp_path / "run", 2)
    tail = Tail(folder)
    tail.read_header()
    with (folder / "journal.jsonl").open("a") as file:
        file.write('{"type": "work')
    assert [index for index, _, _ in tail.read(tail.size())] == [0, 1]
    with (folder / "journal.jsonl").open("a") as file:
        file.write('ers", "slots": 3, "busy_seconds": 1.0, "slot_seconds": 2.0, "t": 4.5}\n')
    before = tail.size()
    story.journal(folder, 3, onto=2)
    ((index, record, seconds),) = tail.read(before)  # what came after that moment is not known to be whole
    assert (index, record.slots, seconds) == (2, 3, 4.5)


def test_a_log_that_fails_is_told_of_once_and_left_alone(tmp_path, story):
    said, log = [], Kept(wrong=RuntimeError("the server is down\nmore"))
    tracker = Tracker(log, story.journal(tmp_path / "run"), said.append)
    while not said:
        tracker.on_records([], Pool(), 0.0)
        time.sleep(0.01)
    tracker.on_records([], Pool(), 0.0)
    tracker.close()
    assert said == [
        "memory is not written any more in this session: RuntimeError: the server is down. The search goes on; what is missing "
        "is added when the run is resumed"
    ]
    assert log.called == ["open", "write"]


def test_a_log_that_hangs_costs_the_end_no_more_than_said(tmp_path, story):
    said, never = [], threading.Event()
    tracker = Tracker(Kept(wait=never), story.journal(tmp_path / "run"), said.append, closing_seconds=0.2)
    for _ in range(1000):
        tracker.on_records([], Pool(), 0.0)
    tracker.close()
    tracker.close()
    assert len(said) == 1
    assert "nothing could be written for 0.2 seconds" in said[0]
    never.set()


@pytest.mark.slow
def test_a_log_that_is_slow_and_gets_on_is_waited_for(tmp_path, story, monkeypatch):
    monkeypatch.setattr("ranknosh.track.mirror.MOST_ENTRIES", 2)
    said, log = [], Kept()
    slow, keep = log.write, time.sleep
    log.write = lambda entries, series: (keep(0.25), slow(entries, series))
    Tracker(log, story.journal(tmp_path / "run"), said.append, closing_seconds=2.0).close()
    assert (said, len(log.entries)) == ([], len(story.records))


def test_several_listeners_hear_everything_in_order():
    heard = []

    class Hears(Silent):
        def __init__(self, name):
            self.name = name

        def on_records(self, records, pool, wall_seconds):
            heard.append((self.name, "records", records, wall_seconds))

        def on_epoch(self, job, point):
            heard.append((self.name, "epoch", job, point))

        def on_phase(self, name, done, total):
            heard.append((self.name, name, done, total))

        def on_message(self, text):
            heard.append((self.name, text))

    with Several([Hears("a"), Hears("b")]) as several:
        several.on_records([1], Pool(), 2.0)
        several.on_epoch("job", "point")
        several.on_phase("proxies", 1, 2)
        several.on_message("text")
    one = [("records", [1], 2.0), ("epoch", "job", "point"), ("proxies", 1, 2), ("text",)]
    assert heard == [(name, *rest) for rest in one for name in "ab"]


def test_nothing_is_tracked_where_nothing_is_asked_for(tmp_path):
    assert trackers_of({"tensorboard": False, "mlflow": None}, tmp_path, "run") == []
