"""A tracker passes records on in a thread of its own, and nothing its log does reaches the search."""

import threading

from ranknosh.runs.events import Message, Recorded
from ranknosh.track.mirror import MOST_ENTRIES, Tracker, tracking


class Kept:
    """A log in memory that has ``held`` records; ``wrong`` is raised and ``wait`` waited for by every write."""

    name, pause_seconds = "memory", 0.0

    def __init__(self, wrong=None, wait=None, held=0):
        self.wrong, self.wait, self.held, self.entries, self.called = wrong, wait, held, [], []
        self.wrote = threading.Event()

    def open(self, header):
        self.called.append("open")
        return self.held

    def write(self, entries, pool):
        self.called.append("write")
        self.wrote.set()
        if self.wait:
            self.wait.wait()
        if self.wrong:
            raise self.wrong
        assert 1 <= len(entries) <= MOST_ENTRIES
        self.entries += entries

    def close(self, pool):
        self.called.append("close")


def test_every_record_comes_once_in_order_with_its_own_time(story):
    log = Kept()
    tracker = Tracker(log, story.history(3), print)
    for seconds, record in story.logged[2:]:  # two of the first three are not sessions
        tracker(Message("not a record"))
        tracker(Recorded([record], None, seconds))
    tracker.close()
    assert [entry.record for entry in log.entries] == [record for _, record in story.logged]
    assert [entry.number for entry in log.entries] == list(range(len(story.logged)))
    assert [entry.stamp for entry in log.entries] == [
        round(1000 * (story.began + seconds)) for seconds, _ in story.logged
    ]
    assert (log.called[0], log.called[-1]) == ("open", "close")
    assert log.called.count("close") == 1


def test_a_log_is_given_what_it_does_not_hold_and_the_pool_of_all(story):
    pools, log = [], Kept(held=4)
    log.close = pools.append
    Tracker(log, story.history(), print).close()
    assert [entry.number for entry in log.entries] == list(range(4, len(story.logged)))
    assert [entry.record for entry in log.entries] == [record for _, record in story.logged[4:]]
    assert pools[0].epochs_spent == 10


def test_a_log_that_fails_is_said_once_and_left_alone(story):
    said, log = [], Kept(wrong=RuntimeError("the server is down\nmore"))
    tracker = Tracker(log, story.history(3), said.append)
    tracker._thread.join()
    for seconds, record in story.logged[2:]:
        tracker(Recorded([record], None, seconds))
    tracker.close()
    assert [message.text for message in said] == [
        "memory is not written any more in this session: RuntimeError: the server is down. The search continues; what is "
        "missing is added when the run is resumed"
    ]
    assert log.called == ["open", "write"]


def test_records_that_contradict_each_other_are_said_and_do_no_harm(story):
    said = []
    tracker = Tracker(Kept(), story.history(3), said.append)
    tracker(Recorded([story.logged[-3][1]], None, 9.0))  # a result of a candidate that was never proposed
    tracker.close()
    assert len(said) == 1


def test_a_log_that_hangs_costs_the_end_no_more_than_said(story):
    said, never = [], threading.Event()
    tracker = Tracker(Kept(wait=never), story.history(), said.append)
    tracker.closing_seconds = 0.2
    tracker.close()  # hangs for ever where it waits for the log
    assert len(said) == 1
    assert "nothing could be written for 0.2 seconds" in said[0].text
    never.set()


def test_a_log_that_is_slow_and_gets_on_is_waited_for(story):
    said, waits = [], []
    tracker = Tracker(Kept(), story.history(), said.append)
    tracker.closing_seconds = 7.0
    tracker._thread.join(0)

    class Slow:
        """Three waits run out while records are still written; in the fourth the thread ends."""

        def is_alive(self):
            return len(waits) < 4

        def join(self, seconds):
            waits.append(seconds)
            tracker._progress += 1

    tracker._thread = Slow()
    tracker.close()
    assert (said, waits) == ([], [7.0] * 4)


def test_nothing_is_tracked_where_nothing_is_asked_for(tmp_path):
    with tracking({"tensorboard": False, "mlflow": None}, None, None, "run", print) as trackers:
        assert trackers == []
